-- Turns a rated bill into postings, once: bonus, then wallet, then arrears; a postpaid customer's
-- receivable; the site's suspense account for whoever is unknown. Releases the hold in the same
-- transaction. Outcomes: done (journal null if there was nothing to pay; the first journal again if
-- it was settled before), busy (the facts changed since the input was taken: rate again), refused (held
-- back by a review, or not stopped).
--
-- Locks: the job is the caller's; then accounts by id, then the session, then its holds.
CREATE OR REPLACE FUNCTION ledger.settle(p_session uuid, p_bill jsonb, p_input bytea, p_input_sha256 bytea,
    p_output_sha256 bytea, OUT outcome text, OUT journal bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s core.session;
    payer ledger.account;
    live ledger.settlement;
    gross bigint := (p_bill ->> 'gross_minor')::bigint;
    credit bigint := COALESCE((p_bill ->> 'credit_minor')::bigint, 0);
    ver integer;
    from_bonus bigint := 0;
    from_wallet bigint := 0;
    to_arrears bigint := 0;
    legs ledger.leg[];
BEGIN
    PERFORM ledger.bill_check(p_bill);
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session;
    IF s.uid IS NULL THEN
        outcome := 'refused';
        RETURN;
    END IF;
    SELECT * INTO payer FROM ledger.account a WHERE a.id = ledger.session_payer(s);
    PERFORM ledger.lock_accounts(payer.id);
    SELECT * INTO s FROM core.session x WHERE x.uid = p_session FOR NO KEY UPDATE;
    SELECT * INTO live FROM ledger.settlement t WHERE t.session_uid = s.uid AND t.state = 'posted';
    IF s.state = 'settled' THEN
        outcome := 'done';
        journal := live.journal_id;
        RETURN;
    END IF;
    IF s.state NOT IN ('stopped', 'presumed_ended') OR core.review_blocks(s.uid) OR s.tariff_version_id IS NULL THEN
        outcome := 'refused';
        RETURN;
    END IF;
    IF NOT s.input_current THEN
        outcome := 'busy';                    -- more was told while this bill was made: take the input again
        RETURN;
    END IF;
    -- If it was settled on what was known then, and the real Stop or more readings came: take that back, then book anew.
    PERFORM ledger.settlement_undo(s.uid, 'settlement', CASE WHEN s.stopped_at IS NULL THEN 'superseded by later readings'
        ELSE 'superseded by a later stop' END);
    SELECT COALESCE(max(t.version), 0) + 1 INTO ver FROM ledger.settlement t WHERE t.session_uid = s.uid;
    PERFORM ledger.release_holds(s.uid, 'captured');
    SELECT d.legs, d.from_bonus, d.from_wallet, d.to_arrears INTO legs, from_bonus, from_wallet, to_arrears
    FROM ledger.debit_legs(payer, gross) d;
    legs := legs || ledger.credit_legs(s.site_id, s.currency, p_bill);
    IF credit > 0 THEN
        legs := legs || ROW((SELECT a.id FROM ledger.account a WHERE a.site_id = s.site_id AND a.purpose = 'v2g_cost'
                             ORDER BY a.id LIMIT 1), 'D', credit)::ledger.leg
                     || ROW(payer.id, 'C', credit)::ledger.leg;
    END IF;
    IF cardinality(legs) > 0 THEN
        journal := ledger.post('settle:' || s.uid || ':v' || ver, p_output_sha256, 'settle',
            COALESCE(s.stopped_at, s.presumed_ended_at, s.started_at), s.site_id, 'settlement', legs, s.uid);
    END IF;
    INSERT INTO ledger.settlement (session_uid, version, journal_id, site_id, account_id, currency, tariff_version_id,
        energy_import_mwh, energy_export_mwh, estimated_mwh, net_micro, vat_micro, net_minor, vat_minor, gross_minor,
        credit_minor, from_bonus_minor, from_wallet_minor, to_arrears_minor, groups, evidence, provisional,
        input, input_sha256, output_sha256)
    SELECT s.uid, ver, journal, s.site_id, payer.id, s.currency, s.tariff_version_id,
        (p_bill ->> 'energy_import_mwh')::bigint, COALESCE((p_bill ->> 'energy_export_mwh')::bigint, 0),
        COALESCE((p_bill ->> 'estimated_mwh')::bigint, 0), (p_bill ->> 'net_micro')::bigint,
        (p_bill ->> 'vat_micro')::bigint, COALESCE(sum((g ->> 'net_minor')::bigint), 0),
        COALESCE(sum((g ->> 'vat_minor')::bigint), 0), gross, credit, from_bonus, from_wallet, to_arrears,
        p_bill -> 'groups', p_bill ->> 'evidence', s.stopped_at IS NULL, p_input, p_input_sha256, p_output_sha256
    FROM jsonb_array_elements(p_bill -> 'groups') g;
    INSERT INTO ledger.settlement_line (session_uid, version, seq, site_id, station_id, account_id, card_id, vehicle_id,
        group_id, currency, from_at, to_at, direction, dimension, charge_code, rate_label, quantity, unit, price_micro,
        net_micro, vat_ppm, vat_micro, gross_micro, amount_minor, estimated, element)
    SELECT s.uid, ver, l.seq, s.site_id, s.station_id, payer.id, s.card_id, s.vehicle_id, s.group_id, s.currency,
        l."from", l."to", l.direction, l.dimension, l.charge_code, l.rate_label, l.quantity, l.unit, l.price_micro,
        l.net_micro, l.vat_ppm, l.vat_micro, l.gross_micro, l.amount_minor, COALESCE(l.estimated, false), l.element
    FROM jsonb_to_recordset(p_bill -> 'lines') AS l(seq integer, "from" timestamptz, "to" timestamptz, direction text,
        dimension text, charge_code text, rate_label text, quantity bigint, unit text, price_micro bigint,
        net_micro bigint, vat_ppm integer, vat_micro bigint, gross_micro bigint, amount_minor bigint,
        estimated boolean, element text);
    UPDATE core.session x SET state = 'settled', settled_at = clock_timestamp(),
        recheck_at = CASE WHEN s.stopped_at IS NULL THEN clock_timestamp() + interval '1 minute' END
    WHERE x.uid = s.uid;
    INSERT INTO core.outbox (kind, site_id, station_id, session_uid, payload)
    VALUES ('session_settled', s.site_id, s.station_id, s.uid,
            jsonb_build_object('transaction_id', s.transaction_id, 'version', ver, 'gross_minor', gross::text,
                               'currency', s.currency));
    outcome := 'done';
END
$$;
ALTER FUNCTION ledger.settle(uuid, jsonb, bytea, bytea, bytea) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settle(uuid, jsonb, bytea, bytea, bytea) FROM PUBLIC;
COMMENT ON FUNCTION ledger.settle(uuid, jsonb, bytea, bytea, bytea) IS
    'Posts a rated session once and ends its hold | 将已计费会话入账一次并解除冻结';

-- The same for a worker, and the end of its job with it. Only who has the job may: a worker that was overtaken
-- brings a bill from an input that may be old, whatever the session says of the newest one.
CREATE OR REPLACE FUNCTION ledger.settle_claimed(p_job bigint, p_worker text, p_attempts integer, p_bill jsonb,
    p_input bytea, p_input_sha256 bytea, p_output_sha256 bytea, OUT outcome text, OUT journal bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    session uuid := inbound.job_session(p_job, p_worker, p_attempts);
BEGIN
    outcome := 'refused';
    IF session IS NULL THEN
        RETURN;
    END IF;
    -- Whose wallet somebody holds for longer comes again later, and the bills of others have their turn.
    PERFORM set_config('lock_timeout', '500ms', true);
    SELECT x.outcome, x.journal INTO outcome, journal
    FROM ledger.settle(session, p_bill, p_input, p_input_sha256, p_output_sha256) x;
    IF outcome = 'done' THEN
        PERFORM inbound.job_done(p_job, p_worker, p_attempts);
    END IF;
END
$$;
ALTER FUNCTION ledger.settle_claimed(bigint, text, integer, jsonb, bytea, bytea, bytea) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settle_claimed(bigint, text, integer, jsonb, bytea, bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.settle_claimed(bigint, text, integer, jsonb, bytea, bytea, bytea) TO joulebook_app;
COMMENT ON FUNCTION ledger.settle_claimed(bigint, text, integer, jsonb, bytea, bytea, bytea) IS
    'Posts the session of a claimed job and ends the job | 将已认领任务的会话入账并结束任务';

-- Takes back the settlement that a session has, if it has one. The caller holds the locks, accounts before
-- the session.
CREATE OR REPLACE FUNCTION ledger.settlement_undo(p_session uuid, p_actor text, p_memo text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live ledger.settlement;
BEGIN
    SELECT * INTO live FROM ledger.settlement t WHERE t.session_uid = p_session AND t.state = 'posted';
    IF live.journal_id IS NOT NULL THEN
        PERFORM ledger.reverse(live.journal_id, p_actor, p_memo);
    END IF;
    UPDATE ledger.settlement t SET state = 'reversed' WHERE t.session_uid = p_session AND t.state = 'posted';
END
$$;
ALTER FUNCTION ledger.settlement_undo(uuid, text, text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.settlement_undo(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION ledger.settlement_undo(uuid, text, text) IS
    'Takes back a posted settlement | 冲销已入账的结算';

-- A bill whose parts do not add up is nobody's bill.
CREATE OR REPLACE FUNCTION ledger.bill_check(p_bill jsonb)
RETURNS void LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gross bigint := (p_bill ->> 'gross_minor')::bigint;
    lines numeric;
    credits numeric;
    parts record;
    totals numeric;
BEGIN
    SELECT COALESCE(sum((l ->> 'amount_minor')::bigint) FILTER (WHERE l ->> 'direction' = 'import'), 0),
           COALESCE(sum(abs((l ->> 'amount_minor')::bigint)) FILTER (WHERE l ->> 'direction' = 'export'), 0)
    INTO lines, credits FROM jsonb_array_elements(p_bill -> 'lines') l;
    SELECT COALESCE(sum((g ->> 'net_minor')::bigint), 0) AS net, COALESCE(sum((g ->> 'vat_minor')::bigint), 0) AS vat,
           COALESCE(sum((g ->> 'gross_minor')::bigint), 0) AS gross
    INTO parts FROM jsonb_array_elements(p_bill -> 'groups') g;
    SELECT COALESCE(sum((t ->> 'net_minor')::bigint), 0) INTO totals FROM jsonb_array_elements(p_bill -> 'totals') t;
    IF gross IS NULL OR gross < 0 OR lines <> gross OR parts.gross <> gross OR parts.net + parts.vat <> gross
       OR totals <> parts.net OR credits <> COALESCE((p_bill ->> 'credit_minor')::bigint, 0)
       OR p_bill ->> 'evidence' IS NULL THEN
        RAISE EXCEPTION 'the bill does not add up: gross %, lines %, groups % + % = %, totals %, credits %',
            gross, lines, parts.net, parts.vat, parts.gross, totals, credits USING ERRCODE = '22023', DETAIL = 'bill';
    END IF;
END
$$;
ALTER FUNCTION ledger.bill_check(jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.bill_check(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION ledger.bill_check(jsonb) IS 'Refuses a bill whose parts do not add up | 拒绝各项不平的账单';

-- The account that a session is settled on: its own if that one lives and has its currency.
CREATE OR REPLACE FUNCTION ledger.session_payer(p_session core.session)
RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN COALESCE(
        (SELECT a.id FROM ledger.account a
         WHERE a.id = p_session.account_id AND a.currency = p_session.currency AND a.closed_at IS NULL),
        (SELECT a.id FROM ledger.account a
         WHERE a.site_id = p_session.site_id AND a.purpose = 'suspense' AND a.currency = p_session.currency
         ORDER BY a.id LIMIT 1));
END
$$;
ALTER FUNCTION ledger.session_payer(core.session) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.session_payer(core.session) FROM PUBLIC;
COMMENT ON FUNCTION ledger.session_payer(core.session) IS 'The account that a session is settled on | 会话结算所用账户';

-- Who pays: bonus, wallet and arrears of a prepaid customer, or the one account of others.
CREATE OR REPLACE FUNCTION ledger.debit_legs(p_payer ledger.account, p_gross bigint,
    OUT legs ledger.leg[], OUT from_bonus bigint, OUT from_wallet bigint, OUT to_arrears bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    bonus bigint;
BEGIN
    legs := '{}';
    from_bonus := 0;
    from_wallet := 0;
    to_arrears := 0;
    IF p_gross = 0 THEN
        RETURN;
    END IF;
    IF p_payer.purpose <> 'wallet' THEN
        legs := ARRAY[ROW(p_payer.id, 'D', p_gross)::ledger.leg];
        RETURN;
    END IF;
    SELECT a.id, LEAST(p_gross, GREATEST(b.posted - b.held - COALESCE(b.floor_minor, 0), 0)) INTO bonus, from_bonus
    FROM ledger.account a JOIN ledger.account_balance b ON b.account_id = a.id
    WHERE a.customer_id = p_payer.customer_id AND a.currency = p_payer.currency AND a.purpose = 'bonus'
      AND a.closed_at IS NULL;
    from_bonus := COALESCE(from_bonus, 0);
    SELECT LEAST(p_gross - from_bonus, GREATEST(b.posted - b.held - COALESCE(b.floor_minor, 0), 0)) INTO from_wallet
    FROM ledger.account_balance b WHERE b.account_id = p_payer.id;
    to_arrears := p_gross - from_bonus - from_wallet;
    SELECT COALESCE(array_agg(ROW(v.account, 'D', v.amount)::ledger.leg), '{}') INTO legs
    FROM (VALUES (bonus, from_bonus), (p_payer.id, from_wallet),
                 (CASE WHEN to_arrears > 0 THEN ledger.customer_account(p_payer, 'arrears') END, to_arrears)) AS v(account, amount)
    WHERE v.amount > 0;
END
$$;
ALTER FUNCTION ledger.debit_legs(ledger.account, bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.debit_legs(ledger.account, bigint) FROM PUBLIC;
COMMENT ON FUNCTION ledger.debit_legs(ledger.account, bigint) IS
    'What a payer''s accounts give for an amount | 付款方各账户的借方分录';

-- What was earned: net per charge code to the site's revenue, tax per rate.
CREATE OR REPLACE FUNCTION ledger.credit_legs(p_site bigint, p_currency text, p_bill jsonb)
RETURNS ledger.leg[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    legs ledger.leg[] := '{}';
    part record;
    account bigint;
BEGIN
    FOR part IN
        SELECT t.charge_code, NULL::integer AS vat_ppm, sum(t.net_minor)::bigint AS amount
        FROM jsonb_to_recordset(p_bill -> 'totals') AS t(charge_code text, net_minor bigint) GROUP BY 1
        UNION ALL
        SELECT NULL, COALESCE(g.vat_ppm, 0), sum(g.vat_minor)::bigint
        FROM jsonb_to_recordset(p_bill -> 'groups') AS g(vat_ppm integer, vat_minor bigint) GROUP BY 2
        ORDER BY 1, 2
    LOOP
        CONTINUE WHEN part.amount = 0;
        IF part.charge_code IS NULL THEN
            account := ledger.open_account('vat', part.vat_ppm::text, p_currency);
        ELSE
            SELECT a.id INTO account FROM ledger.account a
            WHERE a.site_id = p_site AND a.purpose = 'revenue' AND a.charge_code = part.charge_code
              AND a.currency = p_currency;
            IF account IS NULL THEN
                RAISE EXCEPTION 'no revenue account of this site for %', part.charge_code
                    USING ERRCODE = '22023', DETAIL = 'bill';
            END IF;
        END IF;
        legs := legs || ROW(account, CASE WHEN part.amount > 0 THEN 'C' ELSE 'D' END, abs(part.amount))::ledger.leg;
    END LOOP;
    RETURN legs;
END
$$;
ALTER FUNCTION ledger.credit_legs(bigint, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION ledger.credit_legs(bigint, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION ledger.credit_legs(bigint, text, jsonb) IS
    'Revenue and tax of a bill | 账单的收入与税额贷方分录';
