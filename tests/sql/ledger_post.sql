-- The ledger: balanced, append-only, once.
SELECT t.test('a balanced journal is booked, its chain and balances follow', $$
    w := t.card('TAG00000001', 0);
    n := ledger.post('k1', sha256('a'), 'adjust', now(), NULL, 'me', ARRAY[ROW(ledger.open_account('psp', 'x', 'CNY'), 'D', 100), ROW(w, 'C', 100)]::ledger.leg[]);
    PERFORM t.is((SELECT posted || '/' || version FROM ledger.account_balance WHERE account_id = w), '100/1', 'balance');
    PERFORM t.is((SELECT balance_after || '/' || account_ver FROM ledger.entry WHERE account_id = w), '100/1', 'chain');
    PERFORM t.is((SELECT xact = pg_current_xact_id() FROM ledger.journal WHERE id = n), true, 'transaction');
    PERFORM t.sound('post');
$$);
SELECT t.test('the same key with the same content is the same journal; with other content an error', $$
    w := t.card('TAG00000001', 0); m := ledger.open_account('psp', 'x', 'CNY');
    n := ledger.post('k1', sha256('a'), 'adjust', now(), NULL, 'me', ARRAY[ROW(m, 'D', 100), ROW(w, 'C', 100)]::ledger.leg[]);
    PERFORM t.is(ledger.post('k1', sha256('a'), 'adjust', now(), NULL, 'me', ARRAY[ROW(m, 'D', 100), ROW(w, 'C', 100)]::ledger.leg[]), n, 'again');
    PERFORM t.refused(format('SELECT ledger.post(''k1'', sha256(''b''), ''adjust'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 1), ROW(%s, ''C'', 1)]::ledger.leg[])', m, w), '23505', 'other content');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 100::bigint, 'booked once');
$$);
SELECT t.test('an unbalanced journal, one of a single line and an empty one are refused', $$
    w := t.card('TAG00000001', 0); m := ledger.open_account('psp', 'x', 'CNY');
    FOR x IN SELECT unnest(ARRAY[format('ARRAY[ROW(%s, ''D'', 100), ROW(%s, ''C'', 99)]', m, w), format('ARRAY[ROW(%s, ''D'', 100)]', m), 'ARRAY[]']) LOOP
        PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''adjust'', now(), NULL, ''me'', %s::ledger.leg[])', x), '23514', x);
    END LOOP;
$$);
SELECT t.test('each currency balances by itself', $$
    m := ledger.open_account('psp', 'x', 'CNY'); n := ledger.open_account('psp', 'x', 'EUR');
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''adjust'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 100), ROW(%s, ''C'', 100)]::ledger.leg[])', m, n), '23514', 'two currencies');
$$);
SELECT t.test('an amount of zero or less, an unknown account and a closed one take no entry', $$
    w := t.card('TAG00000001', 0); m := ledger.open_account('psp', 'x', 'CNY');
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''adjust'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', %s), ROW(%s, ''C'', %2$s)]::ledger.leg[])', m, v, w), '23514', 'amount ' || v)
    FROM (VALUES (0), (-5)) AS q(v);
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''adjust'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 5), ROW(999999, ''C'', 5)]::ledger.leg[])', m), '23514', 'unknown');
    UPDATE ledger.account SET closed_at = now() WHERE id = w;
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''adjust'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 5), ROW(%s, ''C'', 5)]::ledger.leg[])', m, w), '23514', 'closed');
$$);
SELECT t.test('no posting takes a wallet below its floor', $$
    w := t.card('TAG00000001', 100); m := ledger.open_account('psp', 'x', 'CNY');
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''refund'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 101), ROW(%s, ''C'', 101)]::ledger.leg[])', w, m), '23514', '101 of 100');
    PERFORM ledger.place_hold(gen_random_uuid(), w, 50, 1, now() + interval '1 day');
    PERFORM t.refused(format('SELECT ledger.post(''k'', sha256(''a''), ''refund'', now(), NULL, ''me'', ARRAY[ROW(%s, ''D'', 51), ROW(%s, ''C'', 51)]::ledger.leg[])', w, m), '23514', '51 while 50 are held');
    PERFORM ledger.post('k', sha256('a'), 'refund', now(), NULL, 'me', ARRAY[ROW(w, 'D', 50), ROW(m, 'C', 50)]::ledger.leg[]);
$$);
SELECT t.test('append-only: nobody updates, deletes or truncates, not even the owner', $$
    w := t.card('TAG00000001', 100); SET CONSTRAINTS ALL IMMEDIATE;
    FOR r IN SELECT * FROM unnest(ARRAY['joulebook_owner', 'joulebook_writer', 'joulebook_app', 'joulebook_reader', 'postgres_like_superuser']) AS q(role),
            unnest(ARRAY['journal', 'entry', 'settlement_line', 'top_up', 'closed_day', 'block', 'sealed', 'audit']) AS z(name) LOOP
        x := CASE r.name WHEN 'audit' THEN 'core.' ELSE 'ledger.' END || r.name;
        -- A row trigger speaks only where there is a row.
        IF r.name IN ('journal', 'entry', 'top_up') THEN
            PERFORM t.refused(format('SET LOCAL ROLE %s; UPDATE %s SET %s = %3$s', CASE r.role WHEN 'postgres_like_superuser' THEN 'NONE' ELSE r.role END, x,
                CASE r.name WHEN 'journal' THEN 'memo' WHEN 'entry' THEN 'side' ELSE 'actor' END), '42501', r.role || ' updates ' || x);
            PERFORM t.refused(format('SET LOCAL ROLE %s; DELETE FROM %s', CASE r.role WHEN 'postgres_like_superuser' THEN 'NONE' ELSE r.role END, x), '42501', r.role || ' deletes from ' || x);
        END IF;
        PERFORM t.refused(format('SET LOCAL ROLE %s; TRUNCATE %s CASCADE', CASE r.role WHEN 'postgres_like_superuser' THEN 'NONE' ELSE r.role END, x), '42501', r.role || ' truncates ' || x);
    END LOOP;
$$);
SELECT t.test('balances, holds, accounts and settlements are never deleted or truncated', $$
    w := t.card('TAG00000001', 100); SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM t.refused(format('SET LOCAL ROLE joulebook_owner; DELETE FROM ledger.%s', q), '42501', 'delete ' || q),
            t.refused(format('SET LOCAL ROLE joulebook_owner; TRUNCATE ledger.%s CASCADE', q), '42501', 'truncate ' || q)
    FROM unnest(ARRAY['account', 'account_balance']) q;
$$);
SELECT t.test('the daemon writes no ledger table, and reads none', $$
    FOR x IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'v') LOOP
        PERFORM t.is(has_any_column_privilege('joulebook_app', 'ledger.' || x, 'INSERT, UPDATE, SELECT')
            OR has_table_privilege('joulebook_app', 'ledger.' || x, 'DELETE, TRUNCATE'), false, 'app on ' || x);
    END LOOP;
    FOREACH x IN ARRAY ARRAY['journal', 'entry', 'sealed', 'closed_day'] LOOP
        PERFORM t.is(has_any_column_privilege('joulebook_writer', 'ledger.' || x, 'UPDATE')
            OR has_table_privilege('joulebook_writer', 'ledger.' || x, 'DELETE, TRUNCATE'), false, 'writer on ' || x);
    END LOOP;
$$);
SELECT t.test('a reversal is the exact mirror, once, and never of a reversal', $$
    w := t.card('TAG00000001', 100);
    SELECT id INTO n FROM ledger.journal;
    m := ledger.reverse(n, 'me', 'wrong customer');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 0::bigint, 'balance');
    PERFORM t.is(ledger.reverse(n, 'me', 'again'), m, 'a second time gives the first');
    PERFORM t.refused(format('SELECT ledger.reverse(%s, ''me'', ''back'')', m), '23514', 'of a reversal');
    PERFORM t.refused('SELECT ledger.reverse(999999, ''me'', ''none'')', '23503', 'of nothing');
    PERFORM t.is((SELECT count(*) FROM (SELECT account_id, sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) v FROM ledger.entry GROUP BY 1) q WHERE v <> 0), 0::bigint, 'sum');
    PERFORM t.sound('reversal');
$$);
SELECT t.test('a reversal that the floor forbids is refused', $$
    w := t.card('TAG00000001', 100); m := ledger.open_account('psp', 'x', 'CNY');
    SELECT id INTO n FROM ledger.journal;
    PERFORM ledger.post('k', sha256('a'), 'refund', now(), NULL, 'me', ARRAY[ROW(w, 'D', 60), ROW(m, 'C', 60)]::ledger.leg[]);
    PERFORM t.refused(format('SELECT ledger.reverse(%s, ''me'', ''late'')', n), '23514', 'the money is gone');
$$);
SELECT t.test('the period is the site''s own day', $$
    p := t.house('H'); w := t.card('TAG00000001', 100); m := ledger.open_account('psp', 'x', 'CNY');
    SELECT site_id INTO n FROM core.station WHERE id = p;
    PERFORM ledger.post('k', sha256('a'), 'adjust', '2026-01-31 17:00:00+00', n, 'me', ARRAY[ROW(m, 'D', 1), ROW(w, 'C', 1)]::ledger.leg[]);
    PERFORM t.is((SELECT period FROM ledger.journal WHERE idem_key = 'k'), date '2026-02-01', 'Shanghai is eight hours on');
$$);
SELECT t.test('a closed day takes no journal; a late event is booked today and keeps its time', $$
    p := t.house('H'); w := t.card('TAG00000001', 100); m := ledger.open_account('psp', 'x', 'CNY');
    SELECT site_id INTO n FROM core.station WHERE id = p;
    SELECT * INTO a FROM ledger.close_day((now() - interval '3 days')::date, 'me');
    SELECT * INTO b FROM ledger.close_day((now() - interval '3 days')::date, 'me');
    PERFORM t.is(a.outcome || b.outcome, 'donerepeat', 'closing');
    PERFORM t.is(b.sealed_hash, a.sealed_hash, 'hash');
    PERFORM t.refused(format('INSERT INTO ledger.journal (idem_key, request_hash, kind, event_at, period, actor) VALUES (''x'', ''x'', ''adjust'', now(), %L, ''me'')', (now() - interval '3 days')::date), '23514', 'by hand');
    PERFORM ledger.post('k', sha256('a'), 'adjust', date_trunc('day', now()) - interval '3 days' + interval '4 hours', n, 'me', ARRAY[ROW(m, 'D', 1), ROW(w, 'C', 1)]::ledger.leg[]);
    PERFORM t.is((SELECT period = (now() AT TIME ZONE 'Asia/Shanghai')::date AND event_at < now() - interval '2 days' FROM ledger.journal WHERE idem_key = 'k'), true, 'late');
    PERFORM t.refused(format('SELECT ledger.close_day(%L, ''me'')', now()::date), '22023', 'today is not over');
    PERFORM t.sound('closed');
$$);
SELECT t.test('each invariant finds what it is for', $$
    w := t.card('TAG00000001', 100); SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE ledger.account_balance DROP CONSTRAINT balance_floor;
    UPDATE ledger.account_balance SET held = 150, version = 5 WHERE account_id = w;
    ALTER TABLE ledger.entry DISABLE TRIGGER USER;
    UPDATE ledger.entry SET amount_minor = 99 WHERE account_id = w;
    SELECT string_agg(DISTINCT invariant, ',' ORDER BY invariant) INTO x FROM ledger.invariants();
    PERFORM t.is(x, 'inv_balance_drift,inv_chain_gap,inv_floor,inv_hold_drift,inv_journal_unbalanced,inv_trial', 'found');
$$);
