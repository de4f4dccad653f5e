-- An amount in minor units of its currency: finite, within bounds, with no more digits than the currency
-- has. Nothing is rounded away.
CREATE OR REPLACE FUNCTION api.minor_amount(amount numeric, currency text, member text, zero_allowed boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    exponent smallint;
    minor numeric;
BEGIN
    SELECT c.exponent INTO exponent FROM core.currency c WHERE c.code = minor_amount.currency;
    IF NOT FOUND THEN
        PERFORM api.refuse('currency-unknown', 'currency', coalesce(minor_amount.currency, ''));
    END IF;
    -- NaN sorts above all numbers, so that one comparison refuses it and both infinities.
    IF amount IS NULL OR amount > 1000000000 OR amount < 0 OR (amount = 0 AND NOT zero_allowed) THEN
        PERFORM api.refuse('member-range', member, member, format('%s .. 1000000000 %s',
            CASE WHEN zero_allowed THEN 0 ELSE trim_scale(10::numeric ^ -exponent) END, minor_amount.currency));
    END IF;
    minor := amount * 10::numeric ^ exponent;
    IF minor <> trunc(minor) THEN
        PERFORM api.refuse('amount-decimals', member, minor_amount.currency, exponent::text);
    END IF;
    RETURN minor;
END
$$;
ALTER FUNCTION api.minor_amount(numeric, text, text, boolean) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.minor_amount(numeric, text, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION api.minor_amount(numeric, text, text, boolean) IS
    'An amount in minor units, exact or refused. | 将金额精确换算为最小货币单位，否则拒绝。';
