-- Decides an item of review. accept: the session is billed, as it stands or with the corrections given, which
-- have to name what is missing and to replace what its connector cannot have given; reject: it is never billed
-- and its hold is released, but not while it still charges. An item without a session is only noted.
CREATE OR REPLACE FUNCTION management.decide_review(review_id bigint, decision text, note text,
    meter_start_kwh numeric DEFAULT NULL, meter_stop_kwh numeric DEFAULT NULL,
    started_at timestamptz DEFAULT NULL, stopped_at timestamptz DEFAULT NULL)
RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item core.review;
    session core.session;
    correction jsonb;
    wanted text;
    outcome text;
    obstacle text;
    missing text;
    most text;
BEGIN
    PERFORM core.actor();
    PERFORM api.require_value(decision, 'decision', 'accept', 'reject');
    PERFORM api.require_text(note, 'note', 1000);
    item := api.find_review(review_id);
    SELECT * INTO session FROM core.session s WHERE s.uid = item.session_uid;
    wanted := CASE WHEN session.uid IS NULL THEN 'noted' WHEN decision = 'accept' THEN 'bill' ELSE 'lost' END;
    correction := api.review_correction(session, meter_start_kwh, meter_stop_kwh, started_at, stopped_at);
    IF correction IS NOT NULL AND wanted <> 'bill' THEN
        PERFORM api.refuse('review-correction', 'decision');
    END IF;
    BEGIN
        outcome := core.review_decide(review_id, wanted, note, correction, core.actor());
    EXCEPTION WHEN check_violation THEN
        GET STACKED DIAGNOSTICS obstacle = CONSTRAINT_NAME, missing = COLUMN_NAME,
            most = PG_EXCEPTION_HINT;
        missing := replace(missing, '_mwh', '_kwh');
        CASE obstacle
            WHEN 'review_settled' THEN PERFORM api.refuse('review-settled', 'review_id', review_id::text);
            WHEN 'review_charging' THEN PERFORM api.refuse('review-charging', 'decision', review_id::text);
            WHEN 'review_missing' THEN PERFORM api.refuse('review-missing', missing, missing, review_id::text);
            WHEN 'review_implausible' THEN PERFORM api.refuse('review-implausible', missing, review_id::text, most);
            WHEN 'review_tariff' THEN PERFORM api.refuse('review-tariff', 'decision', review_id::text);
            ELSE RAISE;
        END CASE;
    END;
    IF outcome = 'repeat' THEN
        -- Read again: somebody may have decided it since, and been waited for.
        item := api.find_review(review_id);
        IF item.decision <> wanted OR correction <> coalesce(item.correction, '{}') THEN
            PERFORM api.refuse('review-decided', 'review_id', review_id::text, item.decision);
        END IF;
    END IF;
    IF outcome = 'done' THEN
        PERFORM api.audit('DecideReview', coalesce(item.site_id, session.site_id), format('review %s', review_id),
            jsonb_build_object('state', session.state),
            jsonb_build_object('decision', wanted, 'note', note, 'correction', correction));
    END IF;
    RETURN jsonb_build_object('reviewId', review_id, 'decision', wanted,
        'sessionUid', session.uid, 'sessionState', (SELECT s.state FROM core.session s WHERE s.uid = session.uid),
        'repeated', outcome = 'repeat');
EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
    PERFORM api.refuse('busy', '');
END
$$;
ALTER FUNCTION management.decide_review(bigint, text, text, numeric, numeric, timestamptz, timestamptz) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION management.decide_review(bigint, text, text, numeric, numeric, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION management.decide_review(bigint, text, text, numeric, numeric, timestamptz, timestamptz)
    TO joulebook_operator, joulebook_admin;
COMMENT ON FUNCTION management.decide_review(bigint, text, text, numeric, numeric, timestamptz, timestamptz) IS
    'Decides an item of review: its session is billed, or never. | 对审核事项作出决定：计费或不计费。';
