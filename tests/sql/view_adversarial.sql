-- A view answers whatever is stored: nulls, the ends of every type, odd text, times that are none.
\ir role_helpers.psql
SELECT t.world();

CREATE TABLE t.time (at timestamptz);
INSERT INTO t.time VALUES ('infinity'), ('-infinity'), ('4714-11-24 00:00:00+00 BC'), ('4713-01-01 00:00:00+00 BC'), ('294276-12-31 23:59:59.999999+00'),
    ('294276-12-30 00:00:00+00'), ('0001-01-01 00:00:00+00'), ('1970-01-01 00:00:00+00'), ('1899-12-31 23:59:59+00'), ('2200-01-01 00:00:01+00');
CREATE TABLE t.number (n bigint);
INSERT INTO t.number VALUES (9223372036854775807), (-9223372036854775808), (0), (-1), (NULL);
CREATE TABLE t.text (x text);
INSERT INTO t.text VALUES (''), (' '), (E'\n\t\r\x01\x7f'), ('😀👩‍👩‍👧‍👦'), ('‮gnp.exe'), ('ﷺ' || repeat('́', 100)), ('"}],[{"'), ('\"idTag\":\"'), ('%s%n$1\1'), (NULL),
    (E'\uFEFF\u2028\uFFFF'), (''';--'), (repeat('長', 5000)), ('{"idTag":"'), ('{"idTag":"\u0000'), ('"idTag":"ab' || repeat('\"', 50));

-- Piles whose every text is odd.
INSERT INTO core.station (identity, site_id, protection, vendor, model, serial, box_serial, firmware, meter_type, meter_serial, quirks, booted_at, registered_at)
SELECT format('odd-%s-%s', row_number() OVER (), left(regexp_replace(coalesce(x, ''), '[[:cntrl:]]', '', 'g'), 12)), (SELECT id FROM core.site LIMIT 1), 'IP54',
       x, x, x, x, x, x, x, x, (SELECT at FROM t.time ORDER BY random() LIMIT 1), (SELECT at FROM t.time WHERE at < now() LIMIT 1)
FROM t.text;
INSERT INTO core.station_seen SELECT id, at FROM (SELECT id, row_number() OVER () AS n FROM core.station) p JOIN (SELECT at, row_number() OVER () AS n FROM t.time) w USING (n);
UPDATE core.station_connection SET opened_at = at, closed_at = at, remote = at::text FROM (SELECT at, row_number() OVER () AS n FROM t.time) w WHERE station_id % 10 = n - 1;
INSERT INTO core.connector (station_id, number, status, error_code, info, vendor_id, vendor_error_code, status_at, status_received_at)
SELECT p.id, 5, x, x, x, x, x, w.at, w.at FROM core.station p, LATERAL (SELECT x FROM t.text ORDER BY md5(x || p.id) LIMIT 1) t, t.time w WHERE p.id % 10 = (extract(epoch FROM
    CASE WHEN isfinite(w.at) THEN w.at ELSE 'epoch' END)::numeric % 10)::int ON CONFLICT DO NOTHING;

-- Sessions, readings and frames at every time with every number.
INSERT INTO core.session (station_id, connector, site_id, place, tag_hint, currency, verdict, boot_number, started_at, start_reported_at, start_received_at, start_offset_us,
    meter_start_mwh, stopped_at, stop_reported_at, stop_received_at, meter_stop_mwh, stop_reason, running_cost_minor, state)
SELECT p.id, 1, p.site_id, x, x, 'CNY', coalesce(x, 'Accepted'), 0, a.at, b.at, a.at, n, n, b.at, a.at, b.at, m, x, n, 'review'
FROM (SELECT id, site_id FROM core.station LIMIT 1) p, t.time a, t.time b, t.number q (n), t.number r (m), LATERAL (SELECT x FROM t.text ORDER BY md5(x || a.at::text || b.at) LIMIT 1) s;
INSERT INTO core.session (station_id, connector, site_id, currency, verdict, boot_number, started_at, start_received_at)
SELECT p.id, c, p.site_id, 'CNY', 'Accepted', 0, at, at FROM core.station p, t.time, unnest(ARRAY[1, 5, NULL]) c;
INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh, export_mwh, power_import_mw, power_export_mw, power_offered_mw,
    current_import_ma, current_l1_ma, current_l2_ma, current_l3_ma, voltage_mv, voltage_l1_mv, voltage_l2_mv, voltage_l3_mv, frequency_mhz, temperature_mc, soc_ppm, extra, suspect)
SELECT p.id, w.at, 1, row_number() OVER (), w.at, coalesce(n, s.transaction_id), x, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n,
       jsonb_build_object('idTag', x, 'value', 1e300, x, ARRAY[x]), true
FROM (SELECT station_id AS id, min(transaction_id) AS transaction_id FROM core.session GROUP BY 1 LIMIT 3) AS p, LATERAL (SELECT p.transaction_id) s, t.time w, t.number q (n),
     LATERAL (SELECT coalesce(x, 'none') AS x FROM t.text ORDER BY md5(x || w.at::text || coalesce(n, 0)) LIMIT 1) z;
INSERT INTO core.frame (station, at, direction, type, action, message_id, frame, note)
SELECT p.id, w.at, 'in', n % 32767, x, x, x, x FROM (SELECT id FROM core.station LIMIT 2) p, t.time w, t.text, t.number q (n);
INSERT INTO core.review (kind, dedupe_key, station_id, site_id, session_uid, received_at, detail, frame, opened_at, state, decision, decided_by, decided_at)
SELECT coalesce(x, 'none'), format('odd-%s', row_number() OVER ()), s.station_id, CASE WHEN random() < 0.5 THEN s.site_id END, s.uid, w.at, jsonb_build_object('tag', x, 'x', x), x, w.at, 'decided',
       coalesce(x, 'y'), 'somebody', w.at
FROM t.text, t.time w, (SELECT * FROM core.session LIMIT 1) s;
INSERT INTO core.review (kind, dedupe_key, session_uid, detail) VALUES ('nowhere', 'nowhere', gen_random_uuid(), 'null'), ('scalar', 'scalar', NULL, '"idTag"'), ('list', 'list', NULL, '[1, {"idTag": "ABCDEFGHIJ"}]');
INSERT INTO core.door (identity, reason, count, remote, first_at, last_at) SELECT left(coalesce(x, 'null'), 100) || row_number() OVER (), coalesce(x, 'null'), 9223372036854775807, x, w.at, w.at FROM t.text, t.time w;
INSERT INTO core.command (station_id, action, payload, deadline, actor, idempotency_key, requested_at, sent_at, answered_at, answer, state, message_id)
SELECT p.id, coalesce(x, ''), jsonb_build_object('idTag', x, coalesce(x, 'n'), x), w.at, coalesce(x, ''), format('%s', row_number() OVER ()), w.at, w.at, v.at, x, 'accepted', x
FROM (SELECT id FROM core.station LIMIT 1) p, t.text, t.time w, t.time v;
INSERT INTO core.command (station_id, action, payload, secret_members, deadline, actor)
SELECT (SELECT min(id) FROM core.station), 'x', payload::jsonb, '{value}', now(), 'x' FROM (VALUES ('null'), ('5'), ('"value"'), ('[1, {"value": "x"}]'), ('{}'), ('{"value": {"a": 1}}')) AS v (payload);
INSERT INTO core.audit (at, actor, action, target, args, outcome) SELECT w.at, coalesce(x, ''), coalesce(x, ''), x, jsonb_build_object('id_tag', x), coalesce(x, '') FROM t.text, t.time w;
INSERT INTO core.card (tag_key, tag_hint, expires_at) SELECT gen_random_uuid(), coalesce(x, ''), w.at FROM t.text, t.time w;
INSERT INTO core.customer (code, created_at, forgotten_at) SELECT format('odd-%s', row_number() OVER ()), w.at, w.at FROM t.time w;
INSERT INTO core.tariff_version (tariff_id, version, valid_from, valid_to, document, published_by)
SELECT (SELECT min(id) FROM core.tariff), 100, '-infinity', 'infinity', '{"elements": [{"price_components": [{"type": "ENERGY", "price": 999999999999}]}]}', E'\n';
UPDATE core.site SET latitude_micro = -90000000, grid_limit_w = 9223372036854775807, min_start_minor = 9223372036854775807, address = E'\n', created_at = 'infinity';
-- The ledger at its ends, behind its functions and with its constraints.
UPDATE ledger.account_balance b SET ceiling_minor = 9223372036854775807 FROM ledger.account a WHERE a.id = b.account_id AND a.code = 'wallet:C-B:CNY';
ALTER TABLE ledger.account_balance DISABLE TRIGGER ALL;
UPDATE ledger.account_balance b SET posted = 9223372036854775807, held = 9223372036854775807 FROM ledger.account a WHERE a.id = b.account_id AND a.code = 'wallet:C-A:CNY';
ALTER TABLE ledger.account_balance ENABLE TRIGGER ALL;
-- A bill of nothing whose lines are the ends of every type.
INSERT INTO ledger.settlement (session_uid, version, site_id, account_id, currency, tariff_version_id, energy_import_mwh, energy_export_mwh, estimated_mwh, net_micro, vat_micro,
    net_minor, vat_minor, gross_minor, credit_minor, from_bonus_minor, from_wallet_minor, to_arrears_minor, groups, evidence, input, input_sha256, output_sha256, settled_at)
SELECT s.uid, 1, s.site_id, (SELECT min(id) FROM ledger.account), 'CNY', (SELECT min(id) FROM core.tariff_version), 9223372036854775807, 9223372036854775807, 9223372036854775807,
    9223372036854775807, -9223372036854775808, 9223372036854775807, -9223372036854775807, 0, 0, 9223372036854775807, 9223372036854775807, 9223372036854775807, '[]', E'\x01', '', sha256(''), sha256(''), 'infinity'
FROM core.session s ORDER BY s.transaction_id LIMIT 1;
INSERT INTO ledger.settlement_line (session_uid, version, seq, site_id, station_id, account_id, currency, from_at, to_at, direction, dimension, charge_code, rate_label, quantity, unit,
    price_micro, net_micro, vat_ppm, vat_micro, gross_micro, amount_minor, estimated, element)
SELECT b.session_uid, 1, row_number() OVER (), b.site_id, s.station_id, b.account_id, 'CNY', w.at, w.at, 'export', coalesce(x, ''), coalesce(x, ''), x, coalesce(n, 0),
    CASE WHEN n < 0 THEN 'mWh' WHEN n > 0 THEN 'us' ELSE coalesce(x, '1') END, coalesce(n, 0), coalesce(n, 0), 2147483647, coalesce(n, 0), coalesce(n, 0), coalesce(n, 0), true, x
FROM ledger.settlement b JOIN core.session s ON s.uid = b.session_uid, t.text, t.time w, t.number q (n);

-- Every view, whole, as text and as JSON, by a login; the first that fails says which.
CREATE FUNCTION t.answers(p_view text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    rows bigint;
BEGIN
    rows := t.run('test.admin', format('SELECT count(*) FROM (SELECT v::text, to_jsonb(v)::text FROM query.%I v OFFSET 0) x WHERE x IS NOT NULL', p_view));
    RETURN rows;
EXCEPTION WHEN OTHERS THEN
    RAISE EXCEPTION 'FAILED: query.%: % %', p_view, SQLSTATE, SQLERRM;
END
$$;
SELECT t.is(t.answers(view) > 0, true, 'rows of ' || view) FROM api.view WHERE schema = 'query' AND view NOT IN ('calendar_day', 'login');
\echo 'ok - every view answers, as text and as JSON'
-- None is lost on the way: a view shows as many rows as its table.
SELECT t.is(t.answers('session'), (SELECT count(*) FROM core.session), 'every session');
SELECT t.is(t.answers('session_line'), (SELECT count(*) FROM ledger.settlement_line), 'every line');
SELECT t.is(t.answers('review'), (SELECT count(*) FROM core.review), 'every review');
SELECT t.is(t.answers('conversation'), (SELECT count(*) FROM core.frame), 'every frame');
SELECT t.is(t.answers('command'), (SELECT count(*) FROM core.command), 'every command');
SELECT t.is(t.answers('meter_reading'), (SELECT count(*) FROM core.meter_reading), 'every reading');
SELECT t.is(t.answers('door'), (SELECT count(*) FROM core.door), 'every refused caller');
SELECT t.is(t.answers('audit'), (SELECT count(*) FROM core.audit), 'every change');
SELECT t.is(t.answers('pile'), (SELECT count(*) FROM core.station), 'every pile');
SELECT t.is(t.answers('connector_now'), (SELECT count(*) FROM core.connector), 'every connector once');
\echo 'ok - no row is lost on the way'
