-- Registers a site. Its books (income, cost, cash) are opened with it. The same again is the same site.
CREATE OR REPLACE FUNCTION management.register_site(site text, name text, kind text, zone text, currency text,
    region text DEFAULT NULL, address text DEFAULT NULL, latitude numeric DEFAULT NULL, longitude numeric DEFAULT NULL,
    full_charge_within_s integer DEFAULT NULL, grid_limit_kw numeric DEFAULT NULL, own_supply_kw numeric DEFAULT NULL,
    min_start_amount numeric DEFAULT NULL, min_hold_amount numeric DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new core.site;
    old core.site;
BEGIN
    PERFORM core.require_site(NULL);
    PERFORM api.require_text(site, 'site', 64);
    PERFORM api.require_text(name, 'name', 200);
    PERFORM api.require_value(kind, 'kind', 'petrol_station', 'bus_depot', 'taxi_station', 'car_park',
        'shopping_centre', 'roadside', 'highway_service_area', 'residential', 'workplace', 'remote', 'mobile');
    PERFORM api.require_zone(zone);
    PERFORM api.require_text(region, 'region', 64, false);
    PERFORM api.require_text(address, 'address', 300, false);
    PERFORM api.require_number(latitude, 'latitude', -90, 90, 6);
    PERFORM api.require_number(longitude, 'longitude', -180, 180, 6);
    PERFORM api.require_number(full_charge_within_s, 'full_charge_within_s', 1, 86400);
    PERFORM api.require_number(grid_limit_kw, 'grid_limit_kw', 0.001, 1000000, 3);
    PERFORM api.require_number(own_supply_kw, 'own_supply_kw', 0.001, 1000000, 3);
    IF kind = 'taxi_station' AND coalesce(full_charge_within_s > 3600, true) THEN
        PERFORM api.refuse('taxi-promise', 'full_charge_within_s');
    END IF;
    new.code := site;
    new.name := name;
    new.kind := kind;
    new.zone := zone;
    new.currency := currency;
    new.region := region;
    new.address := address;
    new.latitude_micro := latitude * 1000000;
    new.longitude_micro := longitude * 1000000;
    new.full_charge_within_s := full_charge_within_s;
    new.grid_limit_w := grid_limit_kw * 1000;
    new.own_supply_w := own_supply_kw * 1000;
    new.min_start_minor := api.minor_amount(coalesce(min_start_amount, 1), currency, 'min_start_amount');
    new.hold_floor_minor := api.minor_amount(coalesce(min_hold_amount, 10), currency, 'min_hold_amount');
    INSERT INTO core.site (code, name, kind, zone, currency, region, address, latitude_micro, longitude_micro,
                           full_charge_within_s, grid_limit_w, own_supply_w, min_start_minor, hold_floor_minor)
    VALUES (new.code, new.name, new.kind, new.zone, new.currency, new.region, new.address, new.latitude_micro,
            new.longitude_micro, new.full_charge_within_s, new.grid_limit_w, new.own_supply_w, new.min_start_minor,
            new.hold_floor_minor)
    ON CONFLICT (code) DO NOTHING RETURNING id INTO new.id;
    IF new.id IS NULL THEN
        SELECT s.* INTO old FROM core.site s WHERE s.code = register_site.site;
        IF to_jsonb(old) - '{id,created_at,closed_at,default_tariff_id}'::text[]
           <> to_jsonb(new) - '{id,created_at,closed_at,default_tariff_id}'::text[] THEN
            PERFORM api.refuse('registered-otherwise', 'site', site);
        END IF;
        RETURN jsonb_build_object('site', site, 'repeated', true);
    END IF;
    PERFORM api.audit('RegisterSite', new.id, site, NULL, to_jsonb(new));
    RETURN jsonb_build_object('site', site, 'repeated', false);
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.register_site(text, text, text, text, text, text, text, numeric, numeric,
    integer, numeric, numeric, numeric, numeric) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.register_site(text, text, text, text, text, text, text, numeric, numeric,
    integer, numeric, numeric, numeric, numeric) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.register_site(text, text, text, text, text, text, text, numeric, numeric,
    integer, numeric, numeric, numeric, numeric)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.register_site(text, text, text, text, text, text, text, numeric, numeric,
    integer, numeric, numeric, numeric, numeric) IS
    'Registers a site. | 登记场站。';
