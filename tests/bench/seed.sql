-- seed.sql - piles, connectors, customers and cards for the load client, by the functions that
-- operators use. Variables: piles (how many), cards (how many of them can charge), ipad and opad (hex:
-- the pepper of csmsd under the pads of HMAC-SHA-256).
SELECT count(core.make_login('bench.' || role, role, 'all')) FROM unnest(ARRAY['admin', 'cashier']) AS role;

SET SESSION AUTHORIZATION "bench.admin";
SELECT management.register_site(site => 'BENCH', name => 'Bench', kind => 'bus_depot', zone => 'Asia/Shanghai',
    currency => 'CNY');
SELECT management.publish_tariff(code => 'BENCH', site => 'BENCH', document => '{"currency": "CNY", "elements": [
    {"price_components": [
        {"type": "ENERGY", "price": 0.35, "vat": 13, "step_size": 1, "charge_code": "ENERGY_ELEC", "rate_label": "valley"},
        {"type": "ENERGY", "price": 0.45, "vat": 6, "step_size": 1, "charge_code": "ENERGY_SERVICE"}],
     "restrictions": {"start_time": "00:00", "end_time": "08:00"}},
    {"price_components": [
        {"type": "ENERGY", "price": 1.05, "vat": 13, "step_size": 1, "charge_code": "ENERGY_ELEC", "rate_label": "peak"},
        {"type": "ENERGY", "price": 0.45, "vat": 6, "step_size": 1, "charge_code": "ENERGY_SERVICE"}]}]}');
SELECT count(management.register_pile(charge_point_id => identity, site => 'BENCH', protection => 'IP54',
        in_service_since => now(),
        key_hash => encode(sha256(decode(:'opad', 'hex') || sha256(decode(:'ipad', 'hex') ||
            convert_to(identity, 'UTF8') || '\x00' || convert_to(key, 'UTF8'))), 'hex'))),
    count(management.register_connector(charge_point_id => identity, connector_id => 1, kind => 'DC',
        max_power_kw => 120))
FROM (SELECT 'BENCH-' || lpad(i::text, 5, '0') AS identity, 'bench key ' || lpad(i::text, 10, '0') AS key
      FROM generate_series(0, :piles - 1) AS i) AS pile;
SELECT count(management.register_user(customer => customer, currency => 'CNY', site => 'BENCH', name => customer)),
    count(management.register_card(id_tag => card, customer => customer))
FROM (SELECT 'BENCH-' || i AS customer, 'BENCH-CARD-' || lpad(i::text, 5, '0') AS card
      FROM generate_series(0, :cards - 1) AS i) AS customer;
RESET SESSION AUTHORIZATION;

SET SESSION AUTHORIZATION "bench.cashier";
SELECT count(operation.top_up(amount => 5000000, currency => 'CNY', channel => 'cash', external_no => 'BENCH-' || i,
    customer => 'BENCH-' || i))
FROM generate_series(0, :cards - 1) AS i;
RESET SESSION AUTHORIZATION;

-- Only what is filled: after an ANALYZE of a table that is still empty the planner scans it whole.
ANALYZE core.station, core.station_key, core.connector, core.customer, core.card, ledger.account,
    ledger.account_balance;
