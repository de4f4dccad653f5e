-- The tariff of a code, made if it is new. Its currency and tax mode never change: sessions and accounts
-- were matched by them. Who changes a price has to be granted every place where it holds.
CREATE OR REPLACE FUNCTION api.tariff_row(code text, name text, document jsonb)
RETURNS core.tariff
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tariff core.tariff;
    new bigint;
    mode text := coalesce(document ->> 'tax_mode', 'net');
BEGIN
    IF NOT EXISTS (SELECT FROM core.currency c WHERE c.code = document ->> 'currency') THEN
        PERFORM api.refuse('currency-unknown', 'document.currency', document ->> 'currency');
    END IF;
    INSERT INTO core.tariff (code, name, currency, tax_mode, type)
    VALUES (tariff_row.code, tariff_row.name, document ->> 'currency', mode, document ->> 'type')
    ON CONFLICT ON CONSTRAINT tariff_code_key DO NOTHING RETURNING id INTO new;
    SELECT * INTO tariff FROM core.tariff f WHERE f.code = tariff_row.code FOR NO KEY UPDATE;
    IF new IS NULL THEN
        PERFORM api.require_tariff(tariff.id);
    END IF;
    IF tariff.currency <> document ->> 'currency' THEN
        PERFORM api.refuse('tariff-fixed', 'document.currency', code, tariff.currency);
    ELSIF tariff.tax_mode <> mode THEN
        PERFORM api.refuse('tariff-fixed', 'document.tax_mode', code, tariff.tax_mode);
    END IF;
    RETURN tariff;
END
$$;
ALTER FUNCTION api.tariff_row(text, text, jsonb) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.tariff_row(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION api.tariff_row(text, text, jsonb) IS
    'The tariff of a code, made if it is new. | 按编码取得电价，没有则新建。';
