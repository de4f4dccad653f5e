-- Where a tariff is to hold: exactly one of site, pile (with a connector or without), customer, card group;
-- one that the caller may not see is unknown.
CREATE OR REPLACE FUNCTION api.tariff_target(site text, charge_point_id text, connector_id integer, customer text,
    card_group text, OUT scope text, OUT target bigint, OUT connector integer, OUT site_id bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    station core.station;
    holder core.customer;
BEGIN
    connector := 0;
    IF num_nonnulls(site, charge_point_id, customer, card_group) <> 1
       OR connector_id IS NOT NULL AND charge_point_id IS NULL THEN
        PERFORM api.refuse('tariff-target', 'site');
    ELSIF site IS NOT NULL THEN
        scope := 'site';
        target := (api.find_site(site)).id;
        site_id := target;
    ELSIF charge_point_id IS NOT NULL THEN
        station := api.find_pile(charge_point_id);
        scope := CASE WHEN connector_id IS NULL THEN 'station' ELSE 'connector' END;
        target := station.id;
        site_id := station.site_id;
        connector := coalesce(connector_id, 0);
        IF connector_id IS NOT NULL AND NOT EXISTS (SELECT FROM core.connector c WHERE c.station_id = station.id
                                                    AND c.number = connector_id AND c.number > 0) THEN
            PERFORM api.refuse('connector-unknown', 'connector_id', station.identity, connector_id::text);
        END IF;
    ELSIF customer IS NOT NULL THEN
        holder := api.find_customer(customer);
        scope := 'customer';
        target := holder.id;
        site_id := holder.home_site_id;
    ELSE
        PERFORM core.require_site(NULL);
        scope := 'card_group';
        SELECT g.id INTO target FROM core.tag_group g WHERE g.parent = card_group;
        IF target IS NULL THEN
            PERFORM api.refuse('group-unknown', 'card_group', card_group);
        END IF;
    END IF;
END
$$;
ALTER FUNCTION api.tariff_target(text, text, integer, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_target(text, text, integer, text, text) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_target(text, text, integer, text, text) IS
    'Where a tariff is to hold. | 电价的适用对象。';
