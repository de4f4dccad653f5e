-- Registers a pile, by default accepted, so that it may charge once it connects. `key_hash` is what
-- `csms pile key` prints beside the key; the key itself is never stored. A start that names a time before
-- `in_service_since` (now, if it is not told) is a clock that is wrong; a pile that ran elsewhere before and
-- brings its queue along was in service then. Without heartbeat_s or ping_s the node's own settings hold. The
-- same again is the same pile.
CREATE OR REPLACE FUNCTION management.register_pile(charge_point_id text, site text, protection text,
    outdoors boolean DEFAULT true, place text DEFAULT 'fixed', key_hash text DEFAULT NULL,
    security_profile integer DEFAULT 1, accepted boolean DEFAULT true, export_allowed boolean DEFAULT false,
    heartbeat_s integer DEFAULT NULL, ping_s integer DEFAULT NULL, quirks text DEFAULT NULL,
    strict boolean DEFAULT false, vendor text DEFAULT NULL, model text DEFAULT NULL, serial_number text DEFAULT NULL,
    in_service_since timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    home core.site;
    grade text;
    asked jsonb;
    station core.station;
BEGIN
    home := api.find_site(site);
    PERFORM api.require_identity(charge_point_id);
    PERFORM api.require_value(place, 'place', 'fixed', 'relocatable', 'mobile');
    PERFORM api.require_number(security_profile, 'security_profile', 0, 3);
    PERFORM api.require_number(heartbeat_s, 'heartbeat_s', 10, 86400);
    PERFORM api.require_number(ping_s, 'ping_s', 0, 3600);
    PERFORM api.require_text(quirks, 'quirks', 500, false);
    PERFORM api.require_text(vendor, 'vendor', 50, false);
    PERFORM api.require_text(model, 'model', 50, false);
    PERFORM api.require_text(serial_number, 'serial_number', 50, false);
    PERFORM api.require_key_hash(key_hash, false);
    IF in_service_since NOT BETWEEN '2000-01-01 00:00:00+00' AND now() THEN
        PERFORM api.refuse('member-range', 'in_service_since', 'in_service_since',
            format('2000-01-01 .. %s', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')));
    END IF;
    outdoors := coalesce(outdoors, true);
    grade := api.protection_grade(protection, outdoors);
    asked := jsonb_build_object('site_id', home.id, 'outdoors', outdoors, 'protection', grade, 'place', place,
        'export_allowed', coalesce(export_allowed, false), 'strict', coalesce(strict, false),
        'security_profile', coalesce(security_profile, 1), 'heartbeat_s', heartbeat_s,
        'ping_s', ping_s, 'quirks', quirks);
    INSERT INTO core.station (identity, site_id, outdoors, protection, place, export_allowed, strict, security_profile,
                              heartbeat_s, ping_s, quirks, registration, vendor, model, serial, registered_at)
    VALUES (charge_point_id, home.id, outdoors, grade, place, (asked -> 'export_allowed')::boolean,
            (asked -> 'strict')::boolean, (asked -> 'security_profile')::smallint, heartbeat_s, ping_s, quirks,
            CASE WHEN coalesce(accepted, true) THEN 'accepted' ELSE 'pending' END, vendor, model, serial_number,
            coalesce(in_service_since, now()))
    ON CONFLICT (lower(identity)) DO NOTHING RETURNING * INTO station;
    IF station.id IS NULL THEN
        SELECT * INTO station FROM core.station s WHERE lower(s.identity) = lower(charge_point_id);
        IF station.identity <> charge_point_id OR NOT to_jsonb(station) @> asked OR station.registered_at <> in_service_since
           OR key_hash IS NOT NULL AND NOT EXISTS (SELECT FROM core.station_key k WHERE k.station_id = station.id
                                                   AND k.key_hash = register_pile.key_hash AND k.state <> 'revoked') THEN
            PERFORM api.refuse('registered-otherwise', 'charge_point_id', charge_point_id);
        END IF;
        RETURN jsonb_build_object('chargePointId', charge_point_id, 'site', site, 'protection', grade, 'repeated', true);
    END IF;
    IF key_hash IS NOT NULL THEN
        PERFORM api.pile_key_add(station.id, key_hash);
    END IF;
    IF place <> 'fixed' THEN
        INSERT INTO core.place_history (station_id, site_id, latitude_micro, longitude_micro, address, stood_during, actor)
        VALUES (station.id, home.id, home.latitude_micro, home.longitude_micro, home.address,
                tstzrange(now(), NULL), core.actor());
    END IF;
    PERFORM api.audit('RegisterPile', home.id, charge_point_id, NULL,
                      asked || jsonb_build_object('registration', station.registration, 'has_key', key_hash IS NOT NULL,
                                                 'in_service_since', station.registered_at));
    RETURN jsonb_build_object('chargePointId', charge_point_id, 'site', site, 'protection', grade, 'repeated', false);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.register_pile(text, text, text, boolean, text, text, integer, boolean, boolean,
    integer, integer, text, boolean, text, text, text, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.register_pile(text, text, text, boolean, text, text, integer, boolean, boolean,
    integer, integer, text, boolean, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.register_pile(text, text, text, boolean, text, text, integer, boolean, boolean,
    integer, integer, text, boolean, text, text, text, timestamptz)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.register_pile(text, text, text, boolean, text, text, integer, boolean, boolean,
    integer, integer, text, boolean, text, text, text, timestamptz) IS
    'Registers a pile at a site; the protection grade must suit the place. | 在场站登记充电桩；防护等级须符合安装环境。';
