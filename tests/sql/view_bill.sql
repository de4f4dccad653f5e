-- The views of a charged session agree with one another, with the ledger and with what was sent.
\ir role_helpers.psql
SELECT t.world();
CREATE FUNCTION t.pile() RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM core.station WHERE identity = 'CP-A' $$;
CREATE FUNCTION t.transaction() RETURNS bigint LANGUAGE sql AS $$ SELECT max(transaction_id) FROM core.session $$;
CREATE FUNCTION t.reading(p_at timestamptz, p_import bigint, p_transaction bigint, p_context text DEFAULT 'Sample.Periodic',
    p_connector integer DEFAULT 1) RETURNS void LANGUAGE sql AS $$
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, context, import_mwh, power_import_mw, soc_ppm)
    VALUES (t.pile(), p_at, p_connector, hashtextextended(concat(p_at, p_context, p_import), 0), now(), p_transaction, p_context, p_import, 119999500, 505000)
$$;

-- A session of ten minutes, an hour ago, whose clock was right.
SELECT t.is(x.status, 'Accepted', 'the start') FROM t.start(t.pile(), 'TAGA000012345', 108178000, date_trunc('second', now() - interval '60 min'), 1,
    now() - interval '60 min') x;
SELECT t.reading(s.started_at + interval '1 min', 108178123456789, s.transaction_id), t.reading(s.started_at + interval '2 min', 108178223456789, NULL),
       t.reading(s.started_at + interval '2 min', 108178223456789, NULL, 'Sample.Clock'), t.reading(s.started_at + interval '3 min', 108178323456789, -1),
       t.reading(s.started_at + interval '3 min', 5, NULL, 'Sample.Periodic', 2), t.reading('1970-01-01 00:00:07Z', 7, NULL),
       t.reading(s.started_at - interval '2 days', 8, s.transaction_id)
FROM core.session s;
SELECT t.is((SELECT (transaction_id = t.transaction(), power_kw, soc_pct, reading_at = started_at + interval '1 min', energy_kwh > 0)::text
    FROM query.connector_now WHERE pile = 'CP-A' AND connector = 1), '(t,119.999500,50.5000,t,t)', 'the connector now');
SELECT t.is((SELECT hold_amount > 0 FROM query.session), true, 'money is held');
SELECT t.is((SELECT held FROM query.account WHERE account = 'wallet:C-A:CNY'), (SELECT hold_amount FROM query.session), 'by the account too');
SELECT t.is(x.outcome, 'done', 'the stop') FROM t.stop(t.pile(), t.transaction(), 108180500, (SELECT started_at + interval '10 min' FROM core.session), NULL, now() - interval '50 min') x;
\echo 'ok - a running session is seen with its reading and its hold'

-- The readings of the view are the readings that are billed, by the same rule.
SELECT t.is((SELECT string_agg(concat_ws('/', reported_at, hash, import_mwh), ' ' ORDER BY reported_at, hash)
             FROM (SELECT r.at AS reported_at, r.hash, r.import_mwh FROM core.session s, core.session_readings(s) r) x),
            (SELECT string_agg(concat_ws('/', v.reported_at, m.hash, (v.energy_import_kwh * 1000000)::bigint), ' ' ORDER BY v.reported_at, m.hash)
             FROM query.session_reading v JOIN core.meter_reading m ON m.at = v.reported_at AND m.context IS NOT DISTINCT FROM v.context AND m.connector = v.connector
             WHERE v.source = 'reading'), 'the readings that are billed');
SELECT t.is((SELECT string_agg(concat_ws(' ', source, context, energy_import_kwh), ', ' ORDER BY at, context DESC) FROM query.session_reading),
    'start Transaction.Begin 108178.000000, reading Sample.Periodic 108178123.456789, reading Sample.Periodic 108178223.456789,'
    ' reading Sample.Clock 108178223.456789, reading Sample.Periodic 108178323.456789, stop Transaction.End 108180.500000', 'the readings in order, to the mWh');
SELECT t.is((SELECT bool_and(at_local = at AT TIME ZONE 'Asia/Shanghai' AND reported_at = at) FROM query.session_reading), true, 'their local times');
SELECT t.is((SELECT count(*)::int FROM query.meter_reading), 7, 'every reading is in query.meter_reading, whatever its time');
SELECT t.is((SELECT at || '' FROM query.meter_reading WHERE energy_import_kwh = 0.000007), '1970-01-01 00:00:07+00', 'also the one of 1970');
\echo 'ok - the readings of the view are those that are billed'

-- Before it is settled: energy by the registers, no amount.
SELECT t.is((SELECT (state, energy_kwh, amount, is_settled, duration_s, meter_start_kwh, meter_stop_kwh)::text FROM query.session),
    '(stopped,2.500000,,f,600,108178.000000,108180.500000)', 'a session that is not settled');
SELECT t.is(x.outcome, 'done', 'the settlement') FROM t.settle(t.transaction(), 425) x;
SELECT t.is((SELECT (state, tag, customer, account, tariff, tariff_version, currency, amount, net_amount, vat_amount, electricity_amount, service_amount,
                     from_wallet_amount, to_arrears_amount, is_settled, is_unsecured, is_in_review, hold_amount IS NULL)::text FROM query.session),
    '(settled,TA***2345,C-A,wallet:C-A:CNY,T-A,1,CNY,4.25,4.00,0.25,2.13,2.12,4.25,0.00,t,f,f,t)', 'the session settled');
SELECT t.is((SELECT (sum(amount), count(*))::text FROM query.session_line), '(4.25,2)', 'its lines add up');
SELECT t.is((SELECT string_agg((line, charge_code, quantity, unit, quantity_kwh, price, vat_pct, amount, currency, tariff, tariff_version, is_current, from_local)::text, ' ' ORDER BY line) FROM query.session_line),
    '(1,ENERGY_ELEC,1.000000,kWh,1.000000,1.200000,6.0000,2.13,CNY,T-A,1,t,"2026-01-01 08:00:00") (2,ENERGY_SERVICE,1.000000,kWh,1.000000,0.400000,6.0000,2.12,CNY,T-A,1,t,"2026-01-01 08:00:00")',
    'the lines');
SELECT t.is((SELECT string_agg((l.account, debit, credit)::text, ' ' ORDER BY line) FROM query.account_ledger l JOIN query.session s USING (session_uid) WHERE l.journal_id = s.journal_id AND l.kind = 'settle'),
    (SELECT string_agg((a.code, CASE e.side WHEN 'D' THEN e.amount_minor * 0.01 END, CASE e.side WHEN 'C' THEN e.amount_minor * 0.01 END)::text, ' ' ORDER BY e.line)
     FROM ledger.entry e JOIN ledger.account a ON a.id = e.account_id JOIN ledger.journal j ON j.id = e.journal_id WHERE j.kind = 'settle'), 'the journal');
SELECT t.is((SELECT balance FROM query.account WHERE account = 'wallet:C-A:CNY'), 95.75, 'the wallet');
SELECT t.is((SELECT string_agg(balance_after::text, ' ' ORDER BY entry_no) FROM query.account_ledger WHERE account = 'wallet:C-A:CNY'), '100.00 95.75', 'its statement');
SELECT t.is((SELECT -balance FROM query.account WHERE account = 'rev.elec:S-A') <= 0, true, 'income is positive on its own side');
SELECT t.is((SELECT sum(CASE WHEN class IN ('asset', 'expense') THEN balance ELSE -balance END) FROM query.account), 0.00, 'the trial balance of the view is 0');
\echo 'ok - bill, lines, journal and statement agree to the cent'

-- A clock that was wrong by an hour: what is billed is shifted, what was said is kept.
UPDATE core.session SET start_reported_at = started_at + interval '1 hour', stop_reported_at = stopped_at + interval '1 hour';
DELETE FROM core.meter_reading;
SELECT t.reading(s.started_at + interval '61 min', 108178123456789, s.transaction_id) FROM core.session s;
SELECT t.is((SELECT (at - s.started_at)::text || ' ' || (reported_at - s.started_at) FROM query.session_reading r JOIN query.session s USING (session_uid) WHERE source = 'reading'),
    '00:01:00 01:01:00', 'a reading is shifted with its session');
\echo 'ok - readings are shifted with their session'
