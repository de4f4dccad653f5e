-- The only way into journal and entry. A key seen before with the same content is the same journal;
-- with other content it is an error, never a reuse. Balance rows are locked in the order of account ids.
CREATE OR REPLACE FUNCTION ledger.post(p_idem_key text, p_request_hash bytea, p_kind text, p_event_at timestamptz,
    p_site bigint, p_actor text, p_legs ledger.leg[], p_session uuid DEFAULT NULL, p_reverses bigint DEFAULT NULL,
    p_memo text DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    journal bigint;
    known bytea;
    day date;
    today date;
    leg ledger.leg;
    account ledger.account;
    line smallint := 0;
    after_minor bigint;
    ver bigint;
BEGIN
    SELECT j.id, j.request_hash INTO journal, known FROM ledger.journal j WHERE j.idem_key = p_idem_key;
    IF journal IS NULL THEN
        -- The site's own day of the event, or today's if that one is closed.
        SELECT (p_event_at AT TIME ZONE s.zone)::date, (clock_timestamp() AT TIME ZONE s.zone)::date
        INTO day, today FROM (SELECT COALESCE((SELECT x.zone FROM core.site x WHERE x.id = p_site), 'UTC') AS zone) s;
        IF day > today OR day < today - 3660 THEN
            day := today;
        END IF;
        PERFORM pg_advisory_xact_lock_shared(1246905164, ledger.day_lock_key(day));
        IF EXISTS (SELECT FROM ledger.closed_day c WHERE c.period = day) THEN
            day := today;
        END IF;
        -- Whoever set them immediate before in this transaction meant its own rows.
        SET CONSTRAINTS ledger.journal_balanced, ledger.entry_balanced DEFERRED;
        INSERT INTO ledger.journal (idem_key, request_hash, kind, reverses, session_uid, site_id, event_at, period, actor, memo)
        VALUES (p_idem_key, p_request_hash, p_kind, p_reverses, p_session, p_site, p_event_at, day, p_actor, p_memo)
        ON CONFLICT (idem_key) DO NOTHING RETURNING id INTO journal;
        IF journal IS NOT NULL THEN
            PERFORM FROM ledger.account_balance b
            WHERE b.account_id IN (SELECT l.account_id FROM unnest(p_legs) l) ORDER BY b.account_id FOR NO KEY UPDATE;
            FOREACH leg IN ARRAY p_legs LOOP
                line := line + 1;
                SELECT * INTO account FROM ledger.account a WHERE a.id = leg.account_id;
                IF account.id IS NULL OR account.closed_at IS NOT NULL THEN
                    RAISE EXCEPTION 'account % takes no entry', leg.account_id USING ERRCODE = '23514', DETAIL = 'account';
                END IF;
                after_minor := NULL;
                ver := NULL;
                IF account.keeps_balance THEN
                    UPDATE ledger.account_balance b
                    SET posted = b.posted + CASE WHEN leg.side = account.normal THEN leg.amount_minor ELSE -leg.amount_minor END,
                        version = b.version + 1
                    WHERE b.account_id = account.id RETURNING b.posted, b.version INTO STRICT after_minor, ver;
                END IF;
                INSERT INTO ledger.entry (journal_id, line, account_id, side, amount_minor, balance_after, account_ver)
                VALUES (journal, line, leg.account_id, leg.side, leg.amount_minor, after_minor, ver);
            END LOOP;
            RETURN journal;
        END IF;
        SELECT j.id, j.request_hash INTO STRICT journal, known FROM ledger.journal j WHERE j.idem_key = p_idem_key;
    END IF;
    IF known IS DISTINCT FROM p_request_hash THEN
        RAISE EXCEPTION 'key % was used with other content', p_idem_key
            USING ERRCODE = '23505', CONSTRAINT = 'journal_idem_key_key';
    END IF;
    RETURN journal;
END
$$;
ALTER FUNCTION ledger.post(text, bytea, text, timestamptz, bigint, text, ledger.leg[], uuid, bigint, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.post(text, bytea, text, timestamptz, bigint, text, ledger.leg[], uuid, bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.post(text, bytea, text, timestamptz, bigint, text, ledger.leg[], uuid, bigint, text) IS
    'Books one balanced journal once | 以幂等方式记入一张平衡凭证';

-- The mirror of a journal: each entry on the other side. A journal is reversed at most once. Arrears that
-- were paid meanwhile are no debt that could be taken back: what they would fall below zero by is the
-- customer's money again, and goes to the wallet in the same journal.
CREATE OR REPLACE FUNCTION ledger.reverse(p_journal bigint, p_actor text, p_memo text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    j ledger.journal;
    legs ledger.leg[];
BEGIN
    SELECT * INTO j FROM ledger.journal x WHERE x.id = p_journal;
    IF j.id IS NULL THEN
        RAISE EXCEPTION 'no such journal' USING ERRCODE = '23503', DETAIL = 'journal';
    END IF;
    IF j.kind = 'reverse' THEN
        RAISE EXCEPTION 'a reversal is not reversed; book anew' USING ERRCODE = '23514', DETAIL = 'journal';
    END IF;
    SELECT array_agg(ROW(e.account_id, CASE e.side WHEN 'D' THEN 'C' ELSE 'D' END, e.amount_minor)::ledger.leg
                     ORDER BY e.line)
    INTO legs FROM ledger.entry e WHERE e.journal_id = p_journal;
    PERFORM FROM ledger.account_balance b
    WHERE b.account_id IN (SELECT l.account_id FROM unnest(legs) l
                           UNION SELECT w.id FROM unnest(legs) l JOIN ledger.account a ON a.id = l.account_id
                           JOIN ledger.account w ON w.customer_id = a.customer_id AND w.currency = a.currency
                           WHERE a.purpose = 'arrears' AND w.purpose = 'wallet')
    ORDER BY b.account_id FOR NO KEY UPDATE;
    SELECT legs || COALESCE(array_agg(ROW(v.account, v.side, -o.owed)::ledger.leg), '{}') INTO legs
    FROM (SELECT a.id AS arrears, w.id AS wallet,
                 b.posted + (SELECT sum(CASE l.side WHEN 'D' THEN l.amount_minor ELSE -l.amount_minor END)
                             FROM unnest(legs) l WHERE l.account_id = a.id)::bigint AS owed
          FROM ledger.account a JOIN ledger.account_balance b ON b.account_id = a.id
          JOIN ledger.account w ON w.customer_id = a.customer_id AND w.currency = a.currency AND w.purpose = 'wallet'
          WHERE a.purpose = 'arrears' AND a.id IN (SELECT l.account_id FROM unnest(legs) l)) o,
         LATERAL (VALUES (o.arrears, 'D'), (o.wallet, 'C')) AS v(account, side)
    WHERE o.owed < 0;
    RETURN ledger.post('reverse:' || p_journal, sha256(convert_to('reverse:' || p_journal, 'UTF8')), 'reverse',
        clock_timestamp(), j.site_id, p_actor, legs, j.session_uid, p_journal, p_memo);
END
$$;
ALTER FUNCTION ledger.reverse(bigint, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.reverse(bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.reverse(bigint, text, text) IS
    'Books the mirror of a journal; arrears paid meanwhile become money again | 记入原凭证的镜像冲销；已偿还的欠费退回余额';
