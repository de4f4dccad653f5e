-- Gives a pile a new key, as its administrator.
-- $1 identity  $2 hash of the key  $3 the keys before it stay valid
SELECT management.set_pile_key(charge_point_id => $1::text, key_hash => $2::text, keep_old => $3::bool)
