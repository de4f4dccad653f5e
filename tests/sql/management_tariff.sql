-- Publishing tariffs: what the rating engine would not know is refused with the member named, a published
-- version never changes, and each place has one tariff at a time.
\ir role_helpers.psql
SELECT t.world();

-- A document with everything that may stand in one.
CREATE FUNCTION t.full() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{
    "country_code": "CN", "party_id": "JBK", "id": "full", "currency": "CNY", "type": "REGULAR", "tax_mode": "gross",
    "tariff_alt_text": [{"language": "en", "text": "by time of use"}], "tariff_alt_url": "https://example.org",
    "min_price": {"excl_vat": 1, "incl_vat": 1.13}, "max_price": {"excl_vat": 500.5, "incl_vat": 600},
    "last_updated": "2026-01-01T00:00:00Z", "energy_mix": {"is_green_energy": true},
    "elements": [
      {"direction": "IMPORT", "price_components": [
         {"type": "ENERGY", "price": 1.234567, "vat": 13, "step_size": 1, "charge_code": "ENERGY_ELEC", "rate_label": "尖", "quantity_factor": 1.02},
         {"type": "ENERGY", "price": 0.4, "vat": 6.5, "charge_code": "ENERGY_SERVICE"}],
       "restrictions": {"start_time": "22:00", "end_time": "06:00", "start_date": "2026-01-01", "end_date": "2027-01-01", "min_kwh": 0,
         "max_kwh": 100, "min_current": 1, "max_current": 32, "min_power": 7, "max_power": 120, "min_duration": 0, "max_duration": 3600,
         "day_of_week": ["MONDAY", "SUNDAY"], "day_type": ["holiday"], "min_idle_s": 900}},
      {"direction": "EXPORT", "price_components": [{"type": "ENERGY", "price": 0.6, "charge_code": "V2G_BASE"}]},
      {"price_components": [{"type": "FLAT", "price": 0.5}, {"type": "TIME", "price": "6.00", "step_size": 60, "cap": 30, "charge_code": "OCCUPANCY"},
         {"type": "TIME", "price": 0, "charge_code": "RESERVATION"}], "restrictions": {"reservation": "RESERVATION"}}]}'::jsonb $$;
SELECT t.is(t.act('test.operator', format('management.publish_tariff(''full'', %L, name => ''全'', valid_from => ''2026-01-01Z'')', t.full()))
    - 'sha256', '{"tariff": "full", "version": 1, "validFrom": "2026-01-01T00:00:00+00:00", "assigned": null, "repeated": false}'::jsonb, 'a whole document');
SELECT t.is(t.run('test.viewer', $$SELECT (version, name, currency, tax_mode, state, valid_from_at, valid_to_at)::text FROM query.tariff WHERE tariff = 'full'$$),
    '(1,全,CNY,gross,active,"2026-01-01 00:00:00+00",)', 'the tariff read back');
SELECT t.is((SELECT document FROM query.tariff WHERE tariff = 'full'), t.full(), 'the document, member for member');
SELECT t.is((SELECT sha256 FROM query.tariff WHERE tariff = 'full'), encode(sha256(convert_to(t.full()::text, 'UTF8')), 'hex'), 'its digest');
\echo 'ok - a whole document is published and read back, member for member'
-- Every member is checked: taken away, of the wrong type, or unknown.
CREATE FUNCTION t.faulty(p_path text, p_value text, p_code text, p_member text) RETURNS void LANGUAGE sql AS $$
    SELECT t.no('test.operator', format('management.publish_tariff(''bad'', %L)',
        CASE WHEN p_value IS NULL THEN t.full() #- string_to_array(p_path, ',')
             ELSE jsonb_set(t.full(), string_to_array(p_path, ','), p_value::jsonb) END), p_code, p_member)
$$;
SELECT t.faulty(path, value, code, member) FROM (VALUES
    ('currency', NULL, 'member-missing', 'document.currency'), ('currency', '"XXX"', 'currency-unknown', 'document.currency'),
    ('currency', '"cny"', 'member-text', 'document.currency'), ('currency', '5', 'member-kind', 'document.currency'),
    ('tax_mode', '"brutto"', 'member-value', 'document.tax_mode'), ('type', '"CHEAP"', 'member-value', 'document.type'),
    ('elements', NULL, 'member-missing', 'document.elements'), ('elements', '[]', 'member-count', 'document.elements'),
    ('elements', '{}', 'member-kind', 'document.elements'), ('elements', 'null', 'member-missing', 'document.elements'),
    ('element', '1', 'member-unknown', 'document.element'), ('min_price', '{"excl_vat": 501}', 'member-order', 'document.min_price'),
    ('min_price', '{}', 'member-missing', 'document.min_price.excl_vat'), ('min_price,incl_vat', '0.99', 'member-order', 'document.min_price.incl_vat'),
    ('max_price', '5', 'member-kind', 'document.max_price'),
    ('max_price,price', '5', 'member-unknown', 'document.max_price.price'),
    ('start_date_time', '"yesterday"', 'member-text', 'document.start_date_time'), ('start_date_time', '"2026-02-30T00:00:00Z"', 'member-text', 'document.start_date_time'),
    ('elements,0,direction', '"OUT"', 'member-value', 'document.elements[0].direction'),
    ('elements,0,priority', '1', 'member-unknown', 'document.elements[0].priority'),
    ('elements,1,price_components', NULL, 'member-missing', 'document.elements[1].price_components'),
    ('elements,1,price_components', '[]', 'member-count', 'document.elements[1].price_components'),
    ('elements,1', '7', 'member-kind', 'document.elements[1]'),
    ('elements,0,price_components,1', '"free"', 'member-kind', 'document.elements[0].price_components[1]'),
    ('elements,0,price_components,1,type', '"ENERGIE"', 'member-value', 'document.elements[0].price_components[1].type'),
    ('elements,0,price_components,1,type', NULL, 'member-missing', 'document.elements[0].price_components[1].type'),
    ('elements,0,price_components,1,price', NULL, 'member-missing', 'document.elements[0].price_components[1].price'),
    ('elements,0,price_components,1,price', '"0,4"', 'member-kind', 'document.elements[0].price_components[1].price'),
    ('elements,0,price_components,1,price', '-0.4', 'member-range', 'document.elements[0].price_components[1].price'),
    ('elements,0,price_components,1,price', '1e30', 'member-range', 'document.elements[0].price_components[1].price'),
    ('elements,0,price_components,1,price', '0.1234567', 'member-decimals', 'document.elements[0].price_components[1].price'),
    ('elements,0,price_components,1,vat', '101', 'member-range', 'document.elements[0].price_components[1].vat'),
    ('elements,0,price_components,1,vat', '6.00001', 'member-decimals', 'document.elements[0].price_components[1].vat'),
    ('elements,0,price_components,1,step_size', '1.5', 'member-decimals', 'document.elements[0].price_components[1].step_size'),
    ('elements,0,price_components,1,step_size', '-1', 'member-range', 'document.elements[0].price_components[1].step_size'),
    ('elements,0,price_components,1,charge_code', '"TIP"', 'member-value', 'document.elements[0].price_components[1].charge_code'),
    ('elements,0,price_components,1,charge_code', '"START_FEE"', 'tariff-charge-code', 'document.elements[0].price_components[1].charge_code'),
    ('elements,0,price_components,1,charge_code', '"ENERGY_ELEC"', 'tariff-component-twice', 'document.elements[0].price_components[1]'),
    ('elements,0,price_components,1,charge_code', NULL, 'tariff-component-twice', 'document.elements[0].price_components[1]'),
    ('elements,0,price_components,0,rate_label', '""', 'member-text', 'document.elements[0].price_components[0].rate_label'),
    ('elements,0,price_components,0,quantity_factor', '0', 'member-range', 'document.elements[0].price_components[0].quantity_factor'),
    ('elements,2,price_components,1,cap', '-1', 'member-range', 'document.elements[2].price_components[1].cap'),
    ('elements,2,price_components,0,charge_code', '"ENERGY_ELEC"', 'tariff-charge-code', 'document.elements[2].price_components[0].charge_code'),
    ('elements,0,restrictions', '[]', 'member-kind', 'document.elements[0].restrictions'),
    ('elements,0,restrictions,start_tme', '"22:00"', 'member-unknown', 'document.elements[0].restrictions.start_tme'),
    ('elements,0,restrictions,start_time', '"24:00"', 'member-text', 'document.elements[0].restrictions.start_time'),
    ('elements,0,restrictions,start_time', '"7:00"', 'member-text', 'document.elements[0].restrictions.start_time'),
    ('elements,0,restrictions,start_time', '"06:00"', 'member-order', 'document.elements[0].restrictions.end_time'),
    ('elements,0,restrictions,start_date', '"2026-02-30"', 'member-text', 'document.elements[0].restrictions.start_date'),
    ('elements,0,restrictions,start_date', '"2027-01-01"', 'member-order', 'document.elements[0].restrictions.end_date'),
    ('elements,0,restrictions,max_kwh', '0', 'member-range', 'document.elements[0].restrictions.max_kwh'),
    ('elements,0,restrictions,min_kwh', '100', 'member-order', 'document.elements[0].restrictions.max_kwh'),
    ('elements,0,restrictions,min_power', '-7', 'member-range', 'document.elements[0].restrictions.min_power'),
    ('elements,0,restrictions,max_duration', '0.0000005', 'member-decimals', 'document.elements[0].restrictions.max_duration'),
    ('elements,0,restrictions,day_of_week', '["Monday"]', 'member-value', 'document.elements[0].restrictions.day_of_week'),
    ('elements,0,restrictions,day_of_week', '[1]', 'member-kind', 'document.elements[0].restrictions.day_of_week'),
    ('elements,0,restrictions,day_of_week', '[]', 'member-count', 'document.elements[0].restrictions.day_of_week'),
    ('elements,0,restrictions,day_type', '["Spring Festival"]', 'member-text', 'document.elements[0].restrictions.day_type'),
    ('elements,2,restrictions,reservation', '"MAYBE"', 'member-value', 'document.elements[2].restrictions.reservation'))
    AS f (path, value, code, member);
SELECT t.no('test.operator', format('management.publish_tariff(''bad'', %s)', document), code, 'document') FROM (VALUES
    ('NULL', 'member-kind'), ('''[]''', 'member-kind'), ('''"CNY"''', 'member-kind'), ('''null''', 'member-kind')) AS d (document, code);
SELECT t.is((SELECT count(*)::int FROM query.tariff WHERE tariff = 'bad'), 0, 'nothing of a refused tariff stays');
\echo 'ok - each faulty member is refused by its path'

-- Versions.
SELECT t.is(t.act('test.operator', format('management.publish_tariff(''full'', %L)', t.full())) ->> 'repeated', 'true', 'the same document is the same version');
SELECT t.no('test.operator', format('management.publish_tariff(''full'', %L, valid_from => now() - interval ''1 day'')', t.full() || '{"type": "PROFILE_GREEN"}'), 'tariff-past', 'valid_from');
SELECT t.no('test.operator', format('management.publish_tariff(''full'', %L)', t.full() || '{"tax_mode": "net"}'), 'tariff-fixed', 'document.tax_mode');
SELECT t.no('test.operator', format('management.publish_tariff(''full'', %L)', t.full() || '{"currency": "EUR"}'), 'tariff-fixed', 'document.currency');
SELECT t.is(t.act('test.operator', format('management.publish_tariff(''full'', %L, valid_from => ''2199-01-01Z'')', t.full() || '{"type": "PROFILE_GREEN"}')) ->> 'version', '2', 'a version for later');
SELECT t.is(t.run('test.viewer', $$SELECT string_agg((version, valid_to_at)::text, ' ' ORDER BY version) FROM query.tariff WHERE tariff = 'full'$$),
    '(1,"2199-01-01 00:00:00+00") (2,)', 'it ends the one before');
SELECT t.no('test.operator', format('management.publish_tariff(''full'', %L)', t.full() || '{"type": "PROFILE_FAST"}'), 'tariff-later', 'valid_from');
SELECT t.no('test.operator', format('management.publish_tariff(''x'', %L, valid_from => ''2199-01-02Z'', valid_to => ''2199-01-01Z'')', t.full()), 'member-order', 'valid_to');
SELECT t.no('test.operator', format('management.publish_tariff(''x'', %L, valid_from => ''infinity'')', t.full()), 'member-range', 'valid_from');
SELECT t.no('test.operator', format('management.publish_tariff(NULL, %L)', t.full()), 'member-missing', 'code');
SELECT t.refused($$UPDATE core.tariff_version SET document = '{}' WHERE version = 1$$, '23514', 'a published document changes');
SELECT t.is((t.act('test.operator', format('management.publish_tariff(''dated'', %L)',
    t.full() || '{"start_date_time": "2198-01-01T00:00:00Z", "end_date_time": "2198-02-01T00:00:00Z"}')) ->> 'validFrom')::timestamptz,
    '2198-01-01Z'::timestamptz, 'the document''s own dates');
SELECT t.is(t.act('test.operator', format('management.publish_tariff(''dated'', %L)',
    t.full() || '{"start_date_time": "2198-01-01T00:00:00Z", "end_date_time": "2198-02-01T00:00:00Z"}')) ->> 'repeated', 'true', 'the same dates again');
SELECT t.is((SELECT valid_to_at FROM query.tariff WHERE tariff = 'dated'), '2198-02-01Z'::timestamptz, 'both of them');
\echo 'ok - versions follow one another and never change'

-- Assignments: the narrowest wins, a new one ends the old, and the pick sees it.
CREATE FUNCTION t.picked(p_connector integer DEFAULT 1) RETURNS text LANGUAGE sql AS $$
    SELECT f.code FROM core.station p, core.customer u, core.tariff_pick(u.id, NULL, (SELECT group_id FROM core.card WHERE customer_id = u.id),
        p.id, p_connector, p.site_id, clock_timestamp()) x JOIN core.tariff_version v ON v.id = x.tariff_version_id JOIN core.tariff f ON f.id = v.tariff_id
    WHERE p.identity = 'CP-A' AND u.code = 'C-A'
$$;
SELECT t.is(t.picked(), 'T-A', 'the site''s tariff');
SELECT t.is(t.act('test.operator', $$management.assign_tariff('full', site => 'S-A')$$) ->> 'scope', 'site', 'another for the site');
SELECT pg_sleep(0.01);
SELECT t.is(t.picked(), 'full', 'it holds at once');
SELECT t.is(t.act('test.operator', $$management.assign_tariff('full', site => 'S-A')$$) ->> 'assignmentId',
    (SELECT max(assignment_id)::text FROM query.tariff_assignment), 'the same again is the same');
SELECT t.act('test.operator', $$management.assign_tariff('T-A', charge_point_id => 'CP-A')$$);
SELECT t.is(t.picked(), 'T-A', 'a pile''s goes before the site''s');
SELECT t.act('test.operator', $$management.assign_tariff('full', charge_point_id => 'CP-A', connector_id => 1)$$);
SELECT t.is(t.picked(), 'full', 'a connector''s goes before the pile''s');
SELECT t.is(t.picked(2), 'T-A', 'on that connector alone');
SELECT t.act('test.operator', $$management.register_card('GROUPED1', 'C-B', parent_group => 'G')$$);
SELECT t.act('test.operator', $$management.assign_tariff('T-B', card_group => 'G')$$);
SELECT t.act('test.operator', $$management.assign_tariff('T-B', customer => 'C-A')$$);
SELECT t.is(t.picked(), 'T-B', 'a customer''s goes first');
SELECT t.is(t.run('test.viewer', $$SELECT string_agg(concat_ws(' ', scope, target, connector, tariff), ', ' ORDER BY assignment_id) FROM query.tariff_assignment WHERE valid_to_at IS NULL$$),
    'site S-B T-B, site S-A full, pile CP-A T-A, connector CP-A 1 full, card_group G T-B, customer C-A T-B', 'the assignments read back');
SELECT t.act('test.operator', $$management.assign_tariff('T-A', site => 'S-A', valid_from => '2198-01-01Z')$$);
SELECT t.act('test.operator', $$management.assign_tariff('T-B', site => 'S-A', valid_from => '2197-01-01Z')$$);
SELECT t.is((SELECT string_agg(concat_ws(' ', tariff, to_char(valid_from_at, 'YYYY'), to_char(valid_to_at, 'YYYY')), ', ' ORDER BY valid_from_at)
    FROM query.tariff_assignment WHERE target = 'S-A' AND (valid_to_at IS NULL OR valid_to_at > now())),
    format('full %s 2197, T-B 2197', to_char(now(), 'YYYY')), 'one follows the other, and a later one is taken away');
SELECT t.no('test.operator', format('management.assign_tariff(%s)', args), code, member) FROM (VALUES
    ($$'none', site => 'S-A'$$, 'tariff-unknown', 'code'), ($$'T-A'$$, 'tariff-target', 'site'), ($$'T-A', site => 'S-A', customer => 'C-A'$$, 'tariff-target', 'site'),
    ($$'T-A', site => 'S-A', connector_id => 1$$, 'tariff-target', 'site'), ($$'T-A', site => 'S-X'$$, 'site-unknown', 'site'),
    ($$'T-A', charge_point_id => 'CP-X'$$, 'pile-unknown', 'charge_point_id'), ($$'T-A', charge_point_id => 'CP-A', connector_id => 9$$, 'connector-unknown', 'connector_id'),
    ($$'T-A', customer => 'C-X'$$, 'customer-unknown', 'customer'), ($$'T-A', card_group => 'X'$$, 'group-unknown', 'card_group'),
    ($$'T-A', site => 'S-A', priority => -1$$, 'member-range', 'priority'), ($$'T-A', site => 'S-A', valid_from => '-infinity'$$, 'member-range', 'valid_from'),
    ($$NULL, site => 'S-A'$$, 'member-missing', 'code')) AS c (args, code, member);
SELECT t.act('test.operator', format('management.publish_tariff(''euro'', %L)', t.full() || '{"currency": "EUR"}'));
SELECT t.no('test.operator', $$management.assign_tariff('euro', site => 'S-A')$$, 'currency-differs', 'document.currency');
SELECT t.no('test.operator', format('management.publish_tariff(''y'', %L, site => ''S-X'')', t.full()), 'site-unknown', 'site');
SELECT t.no('test.operator', format('management.publish_tariff(''y'', %L, connector_id => 1)', t.full()), 'member-missing', 'charge_point_id');
SELECT t.is((SELECT count(*)::int FROM core.tariff WHERE code = 'y'), 0, 'a tariff whose place is refused is not published');
\echo 'ok - the narrowest assignment wins, and each place has one'
