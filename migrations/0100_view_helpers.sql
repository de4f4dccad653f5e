-- What the views of query and api use. Functions that views use live in
-- numbered migrations, because a function under a view can't be dropped and made anew.

-- Compiling a view's plan takes longer than running it: 100 of 40,200 sessions took 956 ms with it, 225 ms
-- without.
DO $database$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET jit = off', current_database());
END
$database$;

SET LOCAL ROLE joulebook_owner;

-- 'charge_point_id' -> 'chargePointId'; with `upper`, 'remote_start' -> 'RemoteStart'.
CREATE FUNCTION api.camel_case(name text, upper boolean DEFAULT true) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN upper THEN left(joined, 1) ELSE lower(left(joined, 1)) END || substr(joined, 2)
    FROM (SELECT replace(initcap(name), '_', '') AS joined) word
$$;

-- The parameters of an action in order, with the member name that JSON uses for each.
CREATE FUNCTION api.parameters(function oid) RETURNS TABLE (name text, member text, type text, required boolean)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.name, api.camel_case(a.name, false), format_type(a.type, NULL), a.place <= p.pronargs - p.pronargdefaults
    FROM pg_proc p, unnest(p.proargnames, p.proargtypes::oid[]) WITH ORDINALITY a (name, type, place)
    WHERE p.oid = function AND a.type IS NOT NULL
    ORDER BY a.place
$$;

-- The first language of a comment "English | Chinese", or with `second` the other.
CREATE FUNCTION api.comment_part(comment text, second boolean DEFAULT false) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN second THEN nullif(btrim(split_part(comment, ' | ', 2)), '')
                ELSE btrim(split_part(comment, ' | ', 1)) END
$$;

-- Texts that piles sent or were sent (frames, details, commands), with tags, keys, passwords and
-- credentials in addresses masked. Of a tag of nine characters and more, two of its beginning and four of
-- its end stay; what is masked already stays as it is. Keys of the configuration stay, the values of
-- secret ones go, whichever of the two stands first. A reader's own setting makes its patterns no others.
CREATE FUNCTION core.mask_text(message text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
    SELECT CASE WHEN tags ~* 'passw|secret|key_?hash|authorizationkey' THEN
        regexp_replace(regexp_replace(regexp_replace(tags,
            '("key"\s*:\s*"[^"]*(?:authorizationkey|passw|secret)[^"]*"[^{}]*"value"\s*:\s*")(?:[^"\\]|\\.)*', '\1***', 'gi'),
            '("value"\s*:\s*")(?:[^"\\]|\\.)*("[^{}]*"key"\s*:\s*"[^"]*(?:authorizationkey|passw|secret))', '\1***\2', 'gi'),
            '("[^"]*(?:authorization_?key|passw|secret|key_?hash)[^"]*"\s*:\s*")(?:[^"\\]|\\.)*', '\1***', 'gi')
        ELSE tags END
    FROM (SELECT regexp_replace(regexp_replace(regexp_replace(message,
        '("(?:id_?tag|parent_?id_?tag|parent|tag)"\s*:\s*"[^"\\]{2})[^"\\]{3,}([^"\\]{4}")', '\1***\2', 'gi'),
        '("(?:id_?tag|parent_?id_?tag|parent|tag)"\s*:\s*")(?![^"\\]{2}\*\*\*[^"\\]{4}")(?:[^"\\]|\\.)*', '\1***', 'gi'),
        '://[^/@"\s]+@', '://***@', 'g') AS tags) masked
$$;

-- Amounts in the main unit of a currency, exact, with the digits that it has.
CREATE FUNCTION core.money(minor numeric, exponent smallint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT minor * CASE exponent WHEN 0 THEN 1 WHEN 1 THEN 0.1 WHEN 2 THEN 0.01 WHEN 3 THEN 0.001 ELSE 0.0001 END
$$;

-- Local time in a zone for any stored instant: those within a day of the ends of timestamptz, which would
-- overflow, stay in UTC.
CREATE FUNCTION core.local_time(at timestamptz, zone text) RETURNS timestamp
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN at > '4713-01-03 00:00:00+00 BC' AND at < '294276-12-30 00:00:00+00'
                THEN at AT TIME ZONE zone ELSE at AT TIME ZONE 'UTC' END
$$;

-- Whole seconds between two instants; null when one of them is missing or not finite.
CREATE FUNCTION core.seconds_between(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN isfinite(since) AND isfinite(until)
                THEN floor(extract(epoch FROM until) - extract(epoch FROM since))::bigint END
$$;

-- Whether a pile has a valid key; the keys themselves no view can read.
CREATE FUNCTION core.station_has_key(station bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM core.station_key k WHERE k.station_id = station AND k.state = 'active')
$$;

REVOKE ALL ON FUNCTION api.camel_case(text, boolean), api.parameters(oid), api.comment_part(text, boolean),
    core.mask_text(text), core.money(numeric, smallint), core.station_has_key(bigint), core.local_time(timestamptz, text), core.seconds_between(timestamptz, timestamptz)
    FROM PUBLIC;
-- A function in a view is run with the rights of whoever reads the view.
GRANT EXECUTE ON FUNCTION api.camel_case(text, boolean), api.parameters(oid), api.comment_part(text, boolean),
    core.mask_text(text), core.money(numeric, smallint), core.station_has_key(bigint), core.local_time(timestamptz, text), core.seconds_between(timestamptz, timestamptz)
    TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin, joulebook_reader,
       joulebook_writer, joulebook_app;

RESET ROLE;
