-- A house for the histories: a site with its tariff, piles with two connectors, customers with cards.
-- Nothing of it is in the product.
CREATE SCHEMA histories;

CREATE FUNCTION histories.site(p_code text, p_zone text, p_tariff jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    tariff bigint;
    site bigint;
BEGIN
    INSERT INTO core.tariff (code, name, currency) VALUES (p_code, p_code, 'CNY') RETURNING id INTO tariff;
    INSERT INTO core.tariff_version (tariff_id, version, valid_from, state, document, published_by)
    VALUES (tariff, 1, '2020-01-01', 'active', p_tariff, 'histories');
    INSERT INTO core.site (code, name, kind, zone, currency) VALUES (p_code, p_code, 'car_park', p_zone, 'CNY')
    RETURNING id INTO site;
    INSERT INTO core.tariff_assignment (scope, target_id, tariff_id, actor) VALUES ('site', site, tariff, 'histories');
    RETURN site;
END
$$;

CREATE FUNCTION histories.pile(p_site bigint, p_identity text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    station bigint;
BEGIN
    INSERT INTO core.station (identity, site_id, protection, registered_at)
    VALUES (p_identity, p_site, 'IP54', now() - interval '30 days') RETURNING id INTO station;
    INSERT INTO core.connector (station_id, number, kind, max_power_w, registered)
    VALUES (station, 1, 'DC', 120000, true), (station, 2, 'DC', 120000, true);
    RETURN station;
END
$$;

CREATE FUNCTION histories.customer(p_code text, p_tags text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    customer bigint;
    wallet bigint;
BEGIN
    INSERT INTO core.customer (code) VALUES (p_code) RETURNING id INTO customer;
    wallet := ledger.open_customer_accounts(customer, 'CNY');
    UPDATE ledger.account SET max_sessions = 1000 WHERE id = wallet;
    INSERT INTO core.card (tag_key, tag_hint, customer_id, account_id)
    SELECT core.tag_key(t), core.tag_hint(t), customer, wallet FROM unnest(p_tags) t;
    RETURN wallet;
END
$$;
