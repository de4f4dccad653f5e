-- Assigns a published tariff to a site, pile, connector, customer or card group, from an instant on. What
-- was assigned there with the same priority ends then.
CREATE OR REPLACE FUNCTION management.assign_tariff(code text, site text DEFAULT NULL, charge_point_id text DEFAULT NULL,
    connector_id integer DEFAULT NULL, customer text DEFAULT NULL, card_group text DEFAULT NULL,
    priority integer DEFAULT 0, valid_from timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tariff core.tariff;
BEGIN
    PERFORM core.actor();
    PERFORM api.require_text(code, 'code', 64);
    PERFORM api.require_period(valid_from, NULL);
    SELECT * INTO tariff FROM core.tariff f WHERE f.code = assign_tariff.code;
    IF tariff.id IS NULL THEN
        PERFORM api.refuse('tariff-unknown', 'code', code);
    END IF;
    RETURN api.tariff_assign(tariff, coalesce(valid_from, now()), site, charge_point_id, connector_id, customer,
                             card_group, priority);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.assign_tariff(text, text, text, integer, text, text, integer, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.assign_tariff(text, text, text, integer, text, text, integer, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.assign_tariff(text, text, text, integer, text, text, integer, timestamptz)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.assign_tariff(text, text, text, integer, text, text, integer, timestamptz) IS
    'Assigns a tariff to a site, pile, connector, customer or card group. | 将电价分配给场站、桩、枪、客户或卡组。';
