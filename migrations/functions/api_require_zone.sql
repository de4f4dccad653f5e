-- A time zone by its name in the tz database, spelled as there (csmsd reads the file of that name);
-- abbreviations and POSIX rules are none.
CREATE OR REPLACE FUNCTION api.require_zone(zone text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM api.require_text(zone, 'zone', 64);
    IF zone ~ '^(posix|right)' OR NOT core.zone_known(zone)
       OR NOT EXISTS (SELECT FROM pg_timezone_names z WHERE z.name = require_zone.zone) THEN
        PERFORM api.refuse('zone-unknown', 'zone', zone);
    END IF;
END
$$;
ALTER FUNCTION api.require_zone(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.require_zone(text) FROM PUBLIC;
COMMENT ON FUNCTION api.require_zone(text) IS
    'Checks a time zone''s name. | 检查时区名称。';
