-- Publishes a version of a tariff: an OCPI 2.2.1 document with our members, checked member by member, and
-- immutable from then on. It ends the version before it. Named with a site, pile, connector, customer or
-- card group, the tariff is assigned there too. The same document again is the same version.
CREATE OR REPLACE FUNCTION management.publish_tariff(code text, document jsonb, name text DEFAULT NULL,
    valid_from timestamptz DEFAULT NULL, valid_to timestamptz DEFAULT NULL, site text DEFAULT NULL,
    charge_point_id text DEFAULT NULL, connector_id integer DEFAULT NULL, customer text DEFAULT NULL,
    card_group text DEFAULT NULL, priority integer DEFAULT 0)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tariff core.tariff;
    published record;
    assigned jsonb;
BEGIN
    IF coalesce(site, charge_point_id, customer, card_group) IS NULL THEN
        PERFORM core.require_site(NULL);
    END IF;
    PERFORM api.require_text(code, 'code', 64);
    PERFORM api.require_text(name, 'name', 200, false);
    PERFORM api.require_period(valid_from, valid_to);
    PERFORM api.tariff_check(document);
    tariff := api.tariff_row(code, coalesce(name, code), document);
    SELECT * INTO published FROM api.tariff_version_add(tariff.id, document, valid_from, valid_to);
    IF coalesce(site, charge_point_id, customer, card_group) IS NOT NULL THEN
        assigned := api.tariff_assign(tariff, published.valid_from, site, charge_point_id, connector_id, customer,
                                      card_group, priority);
    ELSIF connector_id IS NOT NULL THEN
        PERFORM api.refuse('member-missing', 'charge_point_id', 'charge_point_id');
    END IF;
    IF NOT published.repeated THEN
        PERFORM api.audit('PublishTariff', NULL, format('%s v%s', code, published.version), NULL, jsonb_build_object(
            'valid_from', published.valid_from, 'valid_to', valid_to, 'sha256', published.sha256));
    END IF;
    RETURN jsonb_build_object('tariff', code, 'version', published.version, 'validFrom', published.valid_from,
        'sha256', published.sha256, 'assigned', assigned, 'repeated', published.repeated);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.publish_tariff(text, jsonb, text, timestamptz, timestamptz, text, text, integer,
    text, text, integer) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.publish_tariff(text, jsonb, text, timestamptz, timestamptz, text, text, integer,
    text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.publish_tariff(text, jsonb, text, timestamptz, timestamptz, text, text, integer,
    text, text, integer)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.publish_tariff(text, jsonb, text, timestamptz, timestamptz, text, text, integer,
    text, text, integer) IS
    'Publishes a version of a tariff and assigns it. | 发布电价版本并分配适用范围。';
