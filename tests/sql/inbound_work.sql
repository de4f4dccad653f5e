-- Commands, jobs, the sweep, partitions.
SELECT t.test('a command is claimed once, oldest first, by the living epoch, before its deadline', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor) VALUES
        (p, 'ClearCache', '{}', now() - interval '1 s', 'me'), (p, 'Reset', '{"type":"Soft"}', now() + interval '1 minute', 'me'), (p, 'GetLog', '{}', now() + interval '1 minute', 'me');
    PERFORM t.is((inbound.command_next(p, n - 1, clock_timestamp())).command_id, NULL, 'a dead epoch');
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM t.is(a.action || a.payload || COALESCE(a.timeout_s, -1), 'Reset{"type": "Soft"}-1', 'the first that is not too late');
    SELECT * INTO b FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM t.is(b.action, 'GetLog', 'the next');
    PERFORM t.is(a.message_id <> b.message_id, true, 'message ids');
    PERFORM t.is((inbound.command_next(p, n, clock_timestamp())).command_id, NULL, 'and no more');
    PERFORM t.is((SELECT node_id || state FROM core.command WHERE id = a.command_id), '7sent', 'claimed by');
$$);
SELECT t.test('a claim that is run again is the same claim, until it has ended', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, timeout_s) VALUES
        (p, 'Reset', '{"type":"Soft"}', now() + interval '1 minute', 'me', 9), (p, 'GetLog', '{}', now() + interval '1 minute', 'me', NULL);
    SELECT * INTO a FROM inbound.command_next(p, n, now());
    SELECT * INTO b FROM inbound.command_next(p, n, now());
    PERFORM t.is(b::text, a::text, 'again');
    PERFORM t.is((SELECT string_agg(state || attempts, ',' ORDER BY id) FROM core.command), 'sent1,queued0', 'one is claimed, once');
    PERFORM t.is((inbound.command_next(p, n - 1, now())).command_id, NULL, 'not for a dead epoch');
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'accepted', '{}', now());
    PERFORM t.is((inbound.command_next(p, n, now())).action, 'GetLog', 'then the next');
$$);
SELECT t.test('what a dead connection had sent is unknown; what may be repeated is queued again with a new message id', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, repeatable) VALUES
        (p, 'Reset', '{}', now() + interval '1 minute', 'me', false), (p, 'GetConfiguration', '{}', now() + interval '1 minute', 'me', true), (p, 'TriggerMessage', '{}', now() + interval '1 s', 'me', true);
    PERFORM inbound.command_next(p, n, clock_timestamp()), inbound.command_next(p, n, clock_timestamp());
    SELECT message_id INTO x FROM core.command WHERE action = 'GetConfiguration';
    SELECT * INTO r FROM inbound.command_next(p, n, clock_timestamp());
    SELECT epoch INTO n FROM inbound.take_over(p, 8, 'y', now() + interval '5 s');
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY id) FROM core.command), 'unknown,queued,unknown', 'states');
    PERFORM t.is((inbound.command_next(p, n, clock_timestamp())).message_id <> x, true, 'message id');
    PERFORM t.is(inbound.command_answer(c.id, c.message_id, 'accepted', '{"status":"Accepted"}', now()), 'done', 'a late answer') FROM core.command c WHERE c.action = 'Reset';
    PERFORM t.is((SELECT state FROM core.command WHERE action = 'Reset'), 'accepted', 'settles it');
$$);
SELECT t.test('what a node had sent before it died is unknown', $$
    p := t.house('H'); m := t.house('I');
    SELECT epoch INTO n FROM inbound.take_over(p, 777, 'x', now());
    PERFORM inbound.take_over(m, 778, 'x', now());
    INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at, epoch)
    SELECT station, 'Reset', '{}', 'sent', now() + interval '1 hour', 'me', now(), 1 FROM unnest(ARRAY[p, m]) station;
    PERFORM t.is(n, 1::bigint, 'the epoch of both');
    PERFORM t.is((SELECT closed FROM inbound.node_settle(777)), 1::bigint, 'closed');
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY station_id) FROM core.command), 'unknown,sent', 'of that node alone');
$$);
SELECT t.test('an answer after its connection or its time settles the command it names', $$
    p := t.house('H'); m := t.house('I');
    FOREACH x IN ARRAY ARRAY['unknown', 'timed_out', 'sent', 'queued', 'expired'] LOOP
        INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at, message_id, secret_members)
        VALUES (p, 'Reset', '{"a":1,"b":2}', x, now(), 'me', now(), 'x', '{a}') RETURNING id INTO n;
        UPDATE core.command SET message_id = 'jb-' || n || '-2' WHERE id = n;
        PERFORM t.is(inbound.command_late(m, 'jb-' || n || '-2', 'accepted', '{}', now()), 'done', 'of another pile');
        PERFORM t.is(inbound.command_late(p, 'jb-' || n || '-1', 'accepted', '{}', now()), 'done', 'of an earlier claim');
        PERFORM t.is((SELECT state || coalesce(answer, '') FROM core.command WHERE id = n), x, 'changes nothing');
        PERFORM t.is(inbound.command_late(p, 'jb-' || n || '-2', 'accepted', '{"status":"Accepted"}', now()), 'done', x);
        PERFORM t.is((SELECT state || answer || payload || (answered_at = now()) FROM core.command WHERE id = n), 'accepted{"status":"Accepted"}{"b": 2}true', x || ' is settled');
        PERFORM inbound.command_late(p, 'jb-' || n || '-2', 'rejected', '{"status":"Rejected"}', now());
        PERFORM t.is((SELECT state FROM core.command WHERE id = n), 'accepted', 'once');
    END LOOP;
    INSERT INTO core.command (station_id, action, payload, state, deadline, actor, message_id) VALUES (p, 'Reset', '{}', 'expired', now(), 'me', 'x') RETURNING id INTO n;
    UPDATE core.command SET message_id = 'jb-' || n || '-1' WHERE id = n;
    PERFORM inbound.command_late(p, 'jb-' || n || '-1', 'accepted', '{}', now());
    PERFORM t.is((SELECT state FROM core.command WHERE id = n), 'expired', 'what never left was not answered');
    FOREACH x IN ARRAY ARRAY['', 'jb-', 'jb-0-1', 'jb-1', 'jb-1-1;', 'jb-9999999999999999999-1', 'jb-99999999-1', 'u-1'] LOOP
        PERFORM t.is(inbound.command_late(p, x, 'accepted', '{}', now()), 'done', 'the id ' || x || ' names nothing');
    END LOOP;
    UPDATE core.command SET sent_at = now() WHERE id = n;
    PERFORM t.is(inbound.command_late(p, 'jb-' || n || '-1', 'excellent', '{}', now()), 'refused', 'no such state');
    PERFORM t.is((SELECT state FROM core.command WHERE id = n), 'expired', 'and no effect');
$$);
SELECT t.test('what an earlier connection says of its claim is no word on a later one', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['unknown', 'timed_out', 'accepted'] LOOP
        SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
        INSERT INTO core.command (station_id, action, payload, deadline, actor, repeatable) VALUES (p, 'GetConfiguration', '{}', now() + interval '1 minute', 'me', true);
        SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
        SELECT epoch INTO n FROM inbound.take_over(p, 8, 'y', now());
        SELECT * INTO b FROM inbound.command_next(p, n, clock_timestamp());
        PERFORM t.is(b.command_id = a.command_id AND b.message_id <> a.message_id, true, 'claimed again');
        PERFORM t.is(inbound.command_answer(a.command_id, a.message_id, x, NULL, now()), 'done', x);
        PERFORM t.is((SELECT state || message_id || coalesce(answered_at::text, '') FROM core.command WHERE id = a.command_id), 'sent' || b.message_id, x || ' changes nothing');
        PERFORM inbound.command_answer(b.command_id, b.message_id, 'rejected', '{}', now());
        PERFORM t.is((SELECT state FROM core.command WHERE id = a.command_id), 'rejected', 'its own answer ends it');
    END LOOP;
$$);
SELECT t.test('an answer that says neither yes nor no is kept, is not asked for again, and one that does settles it', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, repeatable) VALUES (p, 'GetConfiguration', '{}', now() + interval '1 minute', 'me', true);
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'unknown', '{"status":"Perhaps"}', now());
    PERFORM t.is((SELECT state || (answer::text LIKE '%Perhaps%') || (answered_at IS NOT NULL) FROM core.command), 'unknowntruetrue', 'kept');
    PERFORM t.is((inbound.command_next(p, n, clock_timestamp())).command_id, NULL, 'and it is not sent again');
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'rejected', '{}', now());
    PERFORM t.is((SELECT state FROM core.command), 'rejected', 'settled');
$$);
SELECT t.test('an answer that comes after its command was put back, and before it is claimed again, ends it', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, repeatable) VALUES (p, 'GetConfiguration', '{}', now() + interval '1 minute', 'me', true);
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    SELECT epoch INTO n FROM inbound.take_over(p, 8, 'y', now());
    PERFORM t.is((SELECT state FROM core.command), 'queued', 'put back');
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'unknown', NULL, now());
    PERFORM t.is((SELECT state FROM core.command), 'queued', 'who does not know changes nothing');
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'accepted', '{}', now());
    PERFORM t.is((SELECT state FROM core.command), 'accepted', 'who knows does');
    PERFORM t.is((inbound.command_next(p, n, clock_timestamp())).command_id, NULL, 'and it is not sent again');
$$);
SELECT t.test('what a late answer without a status means, its action says', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['Reset', 'GetConfiguration', 'UpdateFirmware', 'DataTransfer'] LOOP
        INSERT INTO core.command (station_id, action, payload, state, deadline, actor, sent_at, message_id)
        VALUES (p, x, '{}', 'unknown', now(), 'me', now(), 'x') RETURNING id INTO n;
        UPDATE core.command SET message_id = 'jb-' || n || '-1' WHERE id = n;
        PERFORM inbound.command_late(p, 'jb-' || n || '-1', 'no_status', '{}', now());
    END LOOP;
    PERFORM t.is((SELECT string_agg(state, ',' ORDER BY id) FROM core.command), 'call_error,accepted,accepted,call_error', 'states');
$$);
SELECT t.test('an answer is final, and wipes the secrets', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members) VALUES
        (p, 'ChangeConfiguration', '{"key":"AuthorizationKey","value":"hunter2hunter2hunter2"}', now() + interval '1 minute', 'me', '{value}');
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'accepted', '{"status":"Accepted"}', now());
    PERFORM inbound.command_answer(a.command_id, a.message_id, 'rejected', '{}', now());
    PERFORM t.is((SELECT state || (payload::text LIKE '%hunter%') FROM core.command), 'acceptedfalse', 'command');
    PERFORM t.is(inbound.command_answer(a.command_id, a.message_id, 'excellent', '{}', now()), 'refused', 'no such state');
    PERFORM t.is(inbound.command_answer(999999, 'jb-999999-1', 'accepted', '{}', now()), 'refused', 'no such command');
$$);
SELECT t.test('however a command ends, its secrets end with it', $$
    p := t.house('H');
    FOREACH x IN ARRAY ARRAY['accepted', 'rejected', 'refused', 'call_error', 'timed_out', 'expired', 'cancelled'] LOOP
        INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members)
        VALUES (p, 'Reset', '{"a":1,"b":2}', now() + interval '1 minute', 'me', '{a,c}') RETURNING id INTO n;
        UPDATE core.command SET state = 'sent' WHERE id = n;
        PERFORM t.is((SELECT payload::text FROM core.command WHERE id = n), '{"a": 1, "b": 2}', 'sent');
        UPDATE core.command SET state = x WHERE id = n;
        PERFORM t.is((SELECT payload::text FROM core.command WHERE id = n), '{"b": 2}', x);
    END LOOP;
$$);
SELECT t.test('a boot, a start and a Stop that end a command wipe its secrets', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members, state, sent_at) VALUES
        (p, 'Reset', '{"type":"Soft","a":1}', now() + interval '1 minute', 'me', '{a}', 'sent', now()),
        (p, 'RemoteStartTransaction', '{"idTag":"TAG00000001","a":1}', now() + interval '1 minute', 'me', '{a}', 'unknown', now());
    PERFORM inbound.boot(p, now(), 'V', 'M', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members, state, sent_at)
    VALUES (p, 'RemoteStopTransaction', jsonb_build_object('transactionId', a.transaction_id, 'a', 1), now() + interval '1 minute', 'me', '{a}', 'unknown', now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    PERFORM t.is((SELECT string_agg(action || state || (payload ? 'a'), ',' ORDER BY id) FROM core.command),
        'Resetacceptedfalse,RemoteStartTransactionacceptedfalse,RemoteStopTransactionacceptedfalse', 'commands');
$$);
SELECT t.test('what nobody knows the end of keeps its secrets for as long as it may be sent again', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members) VALUES
        (p, 'Reset', '{"a":1,"b":2}', clock_timestamp() + interval '1 minute', 'me', '{a}'), (p, 'Reset', '{"b":2}', clock_timestamp() - interval '1 hour', 'me', '{a}');
    UPDATE core.command SET state = 'unknown' WHERE NOT payload ? 'a';
    PERFORM inbound.command_next(p, n, clock_timestamp()), inbound.take_over(p, 8, 'y', now());
    PERFORM t.is(inbound.command_expiry(), 0::bigint, 'nothing to do');
    PERFORM t.is((SELECT state || payload FROM core.command ORDER BY id LIMIT 1), 'unknown{"a": 1, "b": 2}', 'before its deadline');
    UPDATE core.command SET deadline = clock_timestamp() - interval '1 minute' WHERE payload ? 'a';
    PERFORM t.is(inbound.command_expiry(), 1::bigint, 'one to wipe');
    PERFORM t.is((SELECT state || payload FROM core.command ORDER BY id LIMIT 1), 'unknown{"b": 2}', 'after it');
    PERFORM t.is(inbound.command_expiry(), 0::bigint, 'and nothing more');
$$);
SELECT t.test('a claim whose CALL never left is put back, by its own message id alone', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members) VALUES
        (p, 'Reset', '{"a":1,"b":2}', now() + interval '1 minute', 'me', '{a}');
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM t.is(inbound.command_unsent(a.command_id, 'jb-other', now()), 'done', 'of another claim');
    PERFORM t.is((SELECT state FROM core.command), 'sent', 'is not undone');
    PERFORM t.is(inbound.command_unsent(a.command_id, a.message_id, now()), 'done', 'its own');
    PERFORM t.is((SELECT state || coalesce(node_id::text, '') || coalesce(epoch::text, '') || payload FROM core.command), 'queued{"a": 1, "b": 2}', 'is');
    SELECT * INTO b FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM t.is(b.command_id = a.command_id AND b.message_id <> a.message_id, true, 'claimed again');
    PERFORM t.is(inbound.command_unsent(a.command_id, a.message_id, now()), 'done', 'a repeat');
    PERFORM t.is((SELECT state FROM core.command), 'sent', 'takes nothing from the second claim');
    PERFORM inbound.take_over(p, 8, 'y', now());
    PERFORM t.is((SELECT state FROM core.command), 'unknown', 'a connection in between');
    PERFORM inbound.command_unsent(b.command_id, b.message_id, now());
    PERFORM t.is((SELECT state FROM core.command), 'queued', 'is corrected');
    SELECT epoch INTO n FROM core.station_connection WHERE station_id = p;
    SELECT * INTO b FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM inbound.command_answer(b.command_id, b.message_id, 'rejected', NULL, now());
    PERFORM inbound.command_unsent(b.command_id, b.message_id, now());
    PERFORM t.is((SELECT state FROM core.command), 'rejected', 'an answer stands');
    PERFORM t.is(inbound.command_unsent(999999, 'x', now()), 'refused', 'no such command');
$$);
SELECT t.test('a claim that is put back after its deadline has expired, without its secrets', $$
    p := t.house('H');
    SELECT epoch INTO n FROM inbound.take_over(p, 7, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members) VALUES
        (p, 'Reset', '{"a":1,"b":2}', now() + interval '1 minute', 'me', '{a}');
    SELECT * INTO a FROM inbound.command_next(p, n, clock_timestamp());
    PERFORM inbound.command_unsent(a.command_id, a.message_id, now() + interval '2 minutes');
    PERFORM t.is((SELECT state || payload FROM core.command), 'expired{"b": 2}', 'late');
$$);
SELECT t.test('an idempotency key is unique per actor', $$
    p := t.house('H');
    INSERT INTO core.command (station_id, action, payload, deadline, actor, idempotency_key) VALUES (p, 'Reset', '{}', now(), 'me', 'k'), (p, 'Reset', '{}', now(), 'you', 'k'), (p, 'Reset', '{}', now(), 'me', NULL), (p, 'Reset', '{}', now(), 'me', NULL);
    PERFORM t.refused(format('INSERT INTO core.command (station_id, action, payload, deadline, actor, idempotency_key) VALUES (%s, ''Reset'', ''{}'', now(), ''me'', ''k'')', p), '23505', 'again');
$$);
SELECT t.test('stations with queued commands are told to their node alone, and expiry ends what is late', $$
    p := t.house('H'); m := t.house('I');
    PERFORM inbound.take_over(p, 7, 'x', now()), inbound.take_over(m, 8, 'x', now());
    INSERT INTO core.command (station_id, action, payload, deadline, actor, secret_members) SELECT v, 'Reset', '{"a":1,"b":2}', clock_timestamp() + interval '1 minute', 'me', '{a}' FROM unnest(ARRAY[p, m]) v;
    PERFORM t.is((SELECT string_agg(q::text, ',') FROM inbound.command_stations(7) q), p::text, 'node 7');
    UPDATE core.command SET deadline = now() - interval '1 s' WHERE station_id = p;
    UPDATE core.command SET state = 'sent', sent_at = now() - interval '2 minutes' WHERE station_id = m;
    PERFORM t.is(inbound.command_expiry(), 1::bigint, 'one is late; the other''s node may wait for ten minutes');
    UPDATE core.command SET timeout_s = 30 WHERE station_id = m;
    PERFORM t.is(inbound.command_expiry(), 1::bigint, 'unless told otherwise');
    PERFORM t.is((SELECT string_agg(state || payload, ',' ORDER BY id) FROM core.command), 'expired{"b": 2},unknown{"a": 1, "b": 2}', 'states');
$$);
SELECT t.test('a job is claimed once, comes back when its worker dies, and ends with a person', $$
    UPDATE core.job SET state = 'done';
    INSERT INTO core.job (kind, key) VALUES ('settle', 'a'), ('other', 'b');
    INSERT INTO core.job (kind, key, run_at) VALUES ('settle', 'later', now() + interval '1 hour');
    SELECT * INTO a FROM inbound.job_claim('{settle}', 'w1');
    PERFORM t.is(a.key, 'a', 'claimed');
    PERFORM t.is((SELECT count(*) FROM inbound.job_claim('{settle}', 'w2')), 0::bigint, 'nothing else is due');
    UPDATE core.job SET lease_until = now() - interval '1 s' WHERE id = a.job_id;
    SELECT * INTO b FROM inbound.job_claim('{settle}', 'w2');
    PERFORM t.is(b.job_id, a.job_id, 'overtaken');
    FOR n IN 2..10 LOOP
        PERFORM t.is(inbound.job_fail(a.job_id, CASE n WHEN 2 THEN 'w2' ELSE 'w' END, n::int, 'no'), 'done', 'attempt ' || n);
        UPDATE core.job SET run_at = now() WHERE id = a.job_id;
        PERFORM inbound.job_claim('{settle}', 'w');
    END LOOP;
    PERFORM t.is((SELECT state FROM core.job WHERE id = a.job_id), 'failed', 'for good');
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'job_failed'), 1::bigint, 'review');
    PERFORM t.is(inbound.job_done(a.job_id, 'w', 10), 'refused', 'no longer to be done');
$$);
SELECT t.test('a worker that was overtaken ends nothing', $$
    INSERT INTO core.job (kind, key) VALUES ('race', 'a') RETURNING id INTO n;
    SELECT * INTO a FROM inbound.job_claim('{race}', 'w1');
    PERFORM t.is(a.attempts, 1, 'the claim tells its attempt');
    UPDATE core.job SET lease_until = now() - interval '1 s' WHERE id = n;
    SELECT * INTO b FROM inbound.job_claim('{race}', 'w2');
    PERFORM t.is(inbound.job_done(n, 'w1', a.attempts) || inbound.job_fail(n, 'w1', a.attempts, 'x'), 'refusedrefused', 'the one before');
    UPDATE core.job SET lease_until = now() - interval '1 s' WHERE id = n;
    SELECT * INTO c FROM inbound.job_claim('{race}', 'w1');
    PERFORM t.is(inbound.job_done(n, 'w1', a.attempts) || inbound.job_fail(n, 'w1', a.attempts, 'x'), 'refusedrefused', 'its own claim of before');
    PERFORM t.is(inbound.job_done(n, 'w2', c.attempts), 'refused', 'another worker');
    PERFORM t.is((SELECT state || worker || attempts || COALESCE(error, '-') FROM core.job WHERE id = n), 'runningw13-', 'untouched');
    PERFORM t.is(inbound.job_done(n, 'w1', c.attempts), 'done', 'the one that has it');
$$);
SELECT t.test('a job that finds a row held comes back soon, as often as it takes, and to nobody else''s account', $$
    INSERT INTO core.job (kind, key) VALUES ('held', 'a') RETURNING id INTO n;
    FOR i IN 1..20 LOOP
        SELECT * INTO a FROM inbound.job_claim('{held}', 'w');
        PERFORM t.is(a.attempts, 1, 'claim ' || i);
        PERFORM t.is(inbound.job_put_off(n, 'v', 1, 'x') || inbound.job_put_off(n, 'w', 2, 'x'), 'refusedrefused', 'who has it not');
        PERFORM t.is(inbound.job_put_off(n, 'w', 1, 'held'), 'done', 'who has it');
        PERFORM t.is((SELECT state || error || (run_at BETWEEN clock_timestamp() AND clock_timestamp() + interval '2 seconds') FROM core.job WHERE id = n),
            'queuedheldtrue', 'waits');
        PERFORM t.is(inbound.job_done(n, 'w', 1), 'refused', 'and is nobody''s');
        UPDATE core.job SET run_at = now() WHERE id = n;
    END LOOP;
    PERFORM t.is((SELECT count(*) FROM core.review), 0::bigint, 'no person has to look at it');
$$);
SELECT t.test('a job at which every worker dies is given to a person at last, and the next one is claimed', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    UPDATE core.job SET run_at = now() - interval '1 hour' WHERE kind = 'settle';
    FOR i IN 1..10 LOOP
        SELECT * INTO b FROM inbound.job_claim('{settle}', 'w' || i);
        PERFORM t.is(b.attempts, i, 'claim ' || i);
        UPDATE core.job SET lease_until = now() - interval '1 s' WHERE id = b.job_id;
    END LOOP;
    INSERT INTO core.job (kind, key, run_at) VALUES ('settle', 'next', now());
    SELECT * INTO c FROM inbound.job_claim('{settle}', 'w');
    PERFORM t.is(c.key, 'next', 'the next one');
    PERFORM t.is((SELECT state || attempts FROM core.job WHERE id = b.job_id), 'failed10', 'given up');
    PERFORM t.is((SELECT string_agg(kind || blocks, ',') FROM core.review), 'job_failedtrue', 'a person looks at it');
    PERFORM t.is((SELECT state FROM core.session), 'review', 'and at its session');
    PERFORM t.sound('given up');
    UPDATE core.job SET state = 'running', run_at = now() - interval '1 hour', attempts = 50, lease_until = now() - interval '1 s' WHERE kind = 'sequence';
    SELECT * INTO c FROM inbound.job_claim('{sequence}', 'w');
    PERFORM t.is(c.attempts, 51, 'a job of the clock never ends');
    PERFORM t.is(inbound.job_fail(c.job_id, 'w', 51, 'x'), 'done', 'failed or not');
    PERFORM t.is((SELECT state FROM core.job WHERE id = c.job_id), 'queued', 'again');
$$);
SELECT t.test('a job of the clock queues itself again', $$
    UPDATE core.job SET run_at = now() WHERE kind = 'sequence';
    SELECT * INTO a FROM inbound.job_claim('{sequence}', 'w');
    PERFORM inbound.job_run(a.kind, a.key), inbound.job_done(a.job_id, 'w', a.attempts);
    PERFORM t.is((SELECT state || (run_at > clock_timestamp()) FROM core.job WHERE kind = 'sequence'), 'queuedtrue', 'again');
$$);
SELECT t.test('the clock''s jobs come before bills, however many and however old those are', $$
    INSERT INTO core.job (kind, key, run_at) SELECT 'settle', i::text, now() - interval '1 hour' FROM generate_series(1, 2000) i;
    UPDATE core.job SET run_at = now() + repeat_s * interval '1 s' WHERE repeat_s IS NOT NULL;
    SELECT * INTO a FROM inbound.job_claim('{settle,sequence,sweep}', 'w');
    PERFORM t.is(a.kind, 'settle', 'while none of the clock''s is due');
    UPDATE core.job SET run_at = clock_timestamp() WHERE kind IN ('sequence', 'partitions');
    SELECT * INTO a FROM inbound.job_claim('{settle,sequence,sweep}', 'w');
    PERFORM t.is(a.kind, 'sequence', 'one that is due');
    PERFORM t.is((inbound.job_claim('{settle,sequence,sweep}', 'w')).kind, 'settle', 'and is being worked, beside one of another kind');
    PERFORM inbound.job_done(a.job_id, 'w', a.attempts);
    PERFORM t.is((inbound.job_claim('{settle,sequence,sweep}', 'w')).kind, 'settle', 'and was worked');
    UPDATE core.job SET state = 'running', lease_until = clock_timestamp() WHERE kind = 'sequence';
    UPDATE core.job SET run_at = clock_timestamp() WHERE kind = 'sequence';
    PERFORM t.is((inbound.job_claim('{settle,sequence,sweep}', 'w')).kind, 'sequence', 'and whose worker died');
$$);
SELECT t.test('a settlement that failed for good puts its session in review', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes');
    UPDATE core.job SET attempts = 10, state = 'running', worker = 'w' WHERE kind = 'settle';
    PERFORM inbound.job_fail(id, 'w', 10, 'cannot rate') FROM core.job WHERE kind = 'settle';
    PERFORM t.is((SELECT state FROM core.session), 'review', 'session');
    PERFORM core.review_decide(id, 'bill', NULL, NULL, 'me') FROM core.review WHERE kind = 'job_failed';
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle' AND state = 'queued'), 1::bigint, 'queued again');
$$);
SELECT t.test('the sweep: a silent pile''s session, a lost job, a stop that waited a day, a hold left behind', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT epoch INTO n FROM inbound.take_over(p, 1, 'x', now() - interval '4 hours');
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 2, now() - interval '3 hours');
    PERFORM t.stop(p, b.transaction_id, 1100, now() - interval '170 minutes', NULL, now() - interval '170 minutes');
    DELETE FROM core.job WHERE kind = 'settle';
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'open', 'connected: nothing is presumed');
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 1::bigint, 'the lost job');
    PERFORM inbound.connection_close(p, n, now() - interval '121 minutes', 'gone');
    PERFORM t.stop(p, -1, 5, now() - interval '30 hours', 'NOBODY', now() - interval '25 hours', true);
    INSERT INTO ledger.hold (session_uid, account_id, amount_minor, expires_at) VALUES (gen_random_uuid(), w, 7, now() - interval '1 s');
    UPDATE ledger.account_balance SET held = held + 7 WHERE account_id = w;
    UPDATE ledger.hold SET expires_at = now() - interval '1 s';
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT state FROM core.session WHERE transaction_id = a.transaction_id), 'presumed_ended', 'silent');
    PERFORM t.is((SELECT state FROM core.unmatched_stop), 'review', 'waited a day');
    PERFORM t.is((SELECT state FROM ledger.hold WHERE amount_minor = 7), 'released', 'hold left behind');
    PERFORM t.is((SELECT count(*) FROM ledger.hold WHERE state = 'active'), 2::bigint, 'a session''s hold stays, expired or not');
    PERFORM t.sound('sweep');
$$);
SELECT t.test('readings of one second, of 1970 and of the end of time are all stored, and hurt no other', $$
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at, context, import_mwh) VALUES
        (1, now(), 1, 1, now(), 'Sample.Periodic', 5), (1, now(), 1, 2, now(), 'Sample.Clock', 5), (1, 'epoch', 1, 3, now(), 'Sample.Periodic', 5),
        (1, 'infinity', 1, 4, now(), NULL, 5), (1, '294276-12-31 00:00:00+00', 1, 5, now(), NULL, 5), (1, now(), 1, 1, now(), 'Sample.Periodic', 5)
    ON CONFLICT DO NOTHING;
    PERFORM t.is((SELECT count(*) FROM core.meter_reading), 5::bigint, 'stored');
    PERFORM t.is((SELECT count(*) FROM core.meter_reading_default), 3::bigint, 'of them in no month');
$$);
SELECT t.test('a month is made with the rows that waited for it, and dropped past retention', $$
    x := core.partition_name('meter_reading', (date_trunc('month', now()) + interval '3 months')::date);
    EXECUTE format('DROP TABLE core.%I', x);
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at)
    VALUES (1, date_trunc('month', now()) + interval '3 months 5 days', 1, 1, now()), (1, 'epoch', 1, 2, now());
    PERFORM t.is((SELECT count(*) FROM core.meter_reading_default), 2::bigint, 'both wait');
    PERFORM core.partition_make('meter_reading', '2020-01-01');
    PERFORM t.is(inbound.partitions(), 2::bigint, 'one made, one dropped');
    PERFORM t.is((SELECT count(*) FROM core.meter_reading_default), 1::bigint, '1970 still waits');
    PERFORM t.is((SELECT count(*) FROM core.meter_reading), 2::bigint, 'none lost');
    PERFORM t.is((SELECT relforcerowsecurity AND relrowsecurity FROM pg_class WHERE oid = ('core.' || x)::regclass), true, 'row security');
    PERFORM t.is(to_regclass('core.meter_reading_2020m01'), NULL, 'dropped');
    PERFORM t.is(inbound.partitions(), 0::bigint, 'nothing left to do');
    PERFORM t.is((SELECT count(*) FROM pg_inherits WHERE inhparent = 'core.frame'::regclass), 7::bigint, 'frames: two back, this one, three ahead, DEFAULT');
$$);
SELECT t.test('the daemon can do all this, and nothing behind it', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SET LOCAL ROLE joulebook_app;
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now());
    PERFORM t.is(a.status, 'Accepted', 'start');
    PERFORM t.is((t.stop(p, a.transaction_id, 2000, now() + interval '10 minutes')).outcome, 'done', 'stop');
    PERFORM inbound.job_run(k, 'x') FROM unnest(ARRAY['sequence', 'sweep', 'command_expiry', 'partitions']) k;
    INSERT INTO core.meter_reading (station, at, connector, hash, received_at) VALUES (p, now(), 1, 1, now());
    PERFORM t.refused(q, '42501', q) FROM unnest(ARRAY['UPDATE core.session SET state = ''settled''', 'INSERT INTO ledger.journal DEFAULT VALUES', 'DELETE FROM core.meter_reading',
        'UPDATE ledger.account_balance SET posted = 5', 'SELECT * FROM core.card_tag', 'SELECT * FROM core.station_key', 'TRUNCATE core.frame', 'UPDATE core.command SET state = ''queued''',
        'SELECT ledger.post(NULL, NULL, NULL, NULL, NULL, NULL, NULL)', 'SELECT core.review_decide(1, ''bill'', NULL, NULL, NULL)', 'CREATE TABLE core.x (a int)',
        'ALTER TABLE ledger.journal DISABLE TRIGGER ALL', 'DROP TABLE core.frame']) q;
    RESET ROLE;
    SELECT string_agg(r.rolname, ',') INTO x FROM pg_roles r WHERE pg_has_role('joulebook_app', r.oid, 'MEMBER') AND r.rolname <> 'joulebook_app';
    PERFORM t.is(x, NULL, 'member of nothing');
$$);
SELECT t.test('the sweep queues no session that waits for a decision', $$
    p := t.house('H'); w := t.card('TAG00000001', 1000000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 1, now() - interval '3 hours');
    SELECT * INTO b FROM t.start(p, 'TAG00000001', 1000, now() - interval '3 hours', 2, now() - interval '3 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '16 minutes');
    PERFORM t.stop(p, b.transaction_id, 2000, now() - interval '1 hour', NULL, now() - interval '1 hour');
    DELETE FROM core.job WHERE kind = 'settle';
    PERFORM inbound.unusable(p, 'MeterValues', now(), format('[2,"m","MeterValues",{"connectorId":"x","transactionId":%s}]', z.transaction_id), 'x', 'connectorId') FROM core.session z;
    PERFORM t.is((SELECT string_agg(z.state || core.review_blocks(z.uid), ',' ORDER BY z.connector) FROM core.session z), 'presumed_endedtrue,stoppedtrue', 'due, but for the item');
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 0::bigint, 'not queued');
    UPDATE core.review SET blocks = false;
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), 2::bigint, 'queued otherwise');
$$);
SELECT t.test('readings that come after a bill without a Stop make it anew if they move its register by more than 10 Wh', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now() - interval '5 hours');
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    SELECT * INTO s FROM core.session;
    PERFORM ledger.settlement_input(s.uid); PERFORM t.settle(a.transaction_id, 0);
    FOR r IN SELECT * FROM (VALUES (1, 1010000, interval '-1 s', 'settled'), (2, 1010001, interval '1 minute', 'settled'),
            (2, 1010001, interval '-1 s', 'presumed_ended'), (3, 91000000, interval '-1 s', 'presumed_ended')) v(hash, mwh, due, state) LOOP
        INSERT INTO core.meter_reading (station, at, connector, hash, received_at, transaction_id, import_mwh)
        VALUES (p, now() - interval '4 hours' + r.hash * interval '1 minute', 1, r.hash, now(), a.transaction_id, r.mwh) ON CONFLICT DO NOTHING;
        UPDATE core.session SET recheck_at = clock_timestamp() + r.due;
        PERFORM inbound.sweep();
        PERFORM t.is((SELECT z.state FROM core.session z), r.state, format('%s mWh, due in %s', r.mwh, r.due));
        PERFORM t.is((SELECT count(*) FROM core.job WHERE kind = 'settle'), (r.state <> 'settled')::int::bigint, 'jobs');
        PERFORM t.sound('swept');
    END LOOP;
    PERFORM t.is((SELECT round(extract(epoch FROM run_at - created_at)) FROM core.job WHERE kind = 'settle'), 120::numeric, 'what is left of a queue comes first');
    PERFORM t.is((t.settle(a.transaction_id, 9000)).outcome, 'busy', 'only with a new input');
    PERFORM t.is(ledger.settlement_input(s.uid)::jsonb #>> '{session,meter_stop_mwh}', '91000000', 'which has them');
    PERFORM t.is((t.settle(a.transaction_id, 9000)).outcome, 'done', 'billed anew');
    PERFORM t.is((SELECT string_agg(version || z.state || gross_minor, ',' ORDER BY version) FROM ledger.settlement z), '1reversed0,2posted9000', 'versions');
    UPDATE core.job SET state = 'done', finished_at = now() WHERE kind = 'settle';
    UPDATE core.session SET recheck_at = now();
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT z.state FROM core.session z), 'settled', 'and stands');
    PERFORM t.is((SELECT posted FROM ledger.account_balance WHERE account_id = w), 91000::bigint, 'money');
    PERFORM t.sound('billed anew');
$$);
SELECT t.test('a bill without a Stop is held against its readings ever more rarely, for 30 days, and not after its Stop', $$
    p := t.house('H'); w := t.card('TAG00000001', 100000, 9);
    SELECT * INTO a FROM t.start(p, 'TAG00000001', 1000, now() - interval '5 hours', 1, now(), true);
    PERFORM inbound.presume_ended(a.transaction_id, now() - interval '1 hour');
    PERFORM t.is((SELECT recheck_at FROM core.session), NULL, 'not before there is one');
    PERFORM ledger.settlement_input(uid) FROM core.session;
    PERFORM t.settle(a.transaction_id, 0);
    PERFORM t.is((SELECT recheck_at - settled_at BETWEEN interval '1 minute' AND interval '61 s' FROM core.session), true, 'then soon');
    FOR r IN SELECT * FROM (VALUES (interval '2 minutes', '1 minute'::interval), ('8 hours', '2 hours'), ('20 days', '12 hours'), ('31 days', NULL)) v(age, pause) LOOP
        UPDATE core.session SET settled_at = now() - r.age, recheck_at = now();
        PERFORM inbound.sweep();
        PERFORM t.is((SELECT round(extract(epoch FROM recheck_at - now()) / 60) FROM core.session), round(extract(epoch FROM r.pause) / 60), 'after ' || r.age);
    END LOOP;
    PERFORM t.stop(p, a.transaction_id, 2000, now() - interval '4 hours', NULL, now(), true);
    UPDATE core.session SET recheck_at = now();
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT state || COALESCE(recheck_at::text, '') FROM core.session), 'stopped', 'its Stop came');
    PERFORM ledger.settlement_input(uid) FROM core.session;
    PERFORM t.is((t.settle(a.transaction_id, 100)).outcome, 'done', 'billed');
    PERFORM t.is((SELECT recheck_at FROM core.session), NULL, 'and no more');
$$);
SELECT t.test('callers that were refused are swept when they did not come for 30 days', $$
    INSERT INTO core.door (identity, reason, first_at, last_at) VALUES
        ('old', 'unknown_identity', now() - interval '40 days', now() - interval '30 days 1 minute'),
        ('back', 'unknown_identity', now() - interval '40 days', now() - interval '29 days');
    PERFORM inbound.sweep();
    PERFORM t.is((SELECT string_agg(identity, ',') FROM core.door), 'back', 'who is left');
$$);
SELECT t.test('a message above the limit is a review item, one for a pile and a day', $$
    p := t.house('H'); m := t.house('I');
    PERFORM t.is(inbound.stuck(p, '2026-11-24T23:00:00Z', 5000000), 'done', 'the first');
    PERFORM t.is(inbound.stuck(p, '2026-11-24T23:59:59Z', 5000000), 'done', 'again');
    PERFORM t.is((SELECT count(*) FROM core.review), 1::bigint, 'of one day');
    PERFORM inbound.stuck(m, '2026-11-24T23:00:00Z', 5000000), inbound.stuck(p, '2026-11-25T00:00:00Z', 5000000);
    PERFORM t.is((SELECT count(*) FROM core.review WHERE kind = 'queue_stuck' AND NOT blocks), 3::bigint, 'another pile, another day');
    PERFORM t.is((SELECT string_agg(DISTINCT detail ->> 'bytes', ',') FROM core.review), '5000000', 'its length');
    PERFORM t.is(inbound.stuck(999999, now(), 1), 'refused', 'no such pile');
$$);
