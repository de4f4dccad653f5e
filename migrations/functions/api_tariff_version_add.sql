-- Adds a version to a tariff whose row is locked. The first may begin in the past (piles bring queues);
-- a later one begins now or later, because what was charged in between was charged by its predecessor.
CREATE OR REPLACE FUNCTION api.tariff_version_add(tariff bigint, document jsonb, INOUT valid_from timestamptz,
    valid_to timestamptz, OUT version integer, OUT sha256 text, OUT repeated boolean)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last core.tariff_version;
BEGIN
    SELECT * INTO last FROM core.tariff_version v WHERE v.tariff_id = tariff ORDER BY v.version DESC LIMIT 1;
    valid_to := coalesce(valid_to, (document ->> 'end_date_time')::timestamp AT TIME ZONE 'UTC');
    IF last.document = tariff_version_add.document AND coalesce(valid_from = last.valid_from, true)
       AND valid_to IS NOT DISTINCT FROM last.valid_to THEN
        valid_from := last.valid_from;
        version := last.version;
        sha256 := encode(last.sha256, 'hex');
        repeated := true;
        RETURN;
    END IF;
    IF last.id IS NOT NULL AND valid_from < now() THEN
        PERFORM api.refuse('tariff-past', 'valid_from');
    END IF;
    valid_from := coalesce(valid_from, (document ->> 'start_date_time')::timestamp AT TIME ZONE 'UTC', now());
    IF last.id IS NOT NULL AND valid_from < now() THEN
        valid_from := now();
    END IF;
    IF last.valid_from >= valid_from THEN
        PERFORM api.refuse('tariff-later', 'valid_from', last.version::text);
    END IF;
    PERFORM api.require_period(valid_from, valid_to);
    UPDATE core.tariff_version v SET valid_to = tariff_version_add.valid_from
    WHERE v.id = last.id AND (v.valid_to IS NULL OR v.valid_to > tariff_version_add.valid_from);
    INSERT INTO core.tariff_version AS v (tariff_id, version, valid_from, valid_to, state, document, published_by)
    VALUES (tariff, coalesce(last.version, 0) + 1, tariff_version_add.valid_from, tariff_version_add.valid_to,
            'active', tariff_version_add.document, core.actor())
    RETURNING v.version, encode(v.sha256, 'hex') INTO version, sha256;
    repeated := false;
EXCEPTION WHEN datetime_field_overflow THEN
    PERFORM api.refuse('member-text', 'document.start_date_time', 'document.start_date_time');
END
$$;
ALTER FUNCTION api.tariff_version_add(bigint, jsonb, timestamptz, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_version_add(bigint, jsonb, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_version_add(bigint, jsonb, timestamptz, timestamptz) IS
    'Adds a version to a tariff. | 为电价增加版本。';
