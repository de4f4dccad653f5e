-- Tariffs by version, with the whole published document.
CREATE OR REPLACE VIEW query.tariff WITH (security_barrier) AS
SELECT f.code                       AS tariff,
       v.version                    AS version,
       f.name                       AS name,
       f.currency                   AS currency,
       f.tax_mode                   AS tax_mode,
       v.state                      AS state,
       v.valid_from                 AS valid_from_at,
       v.valid_to                   AS valid_to_at,
       v.top_price_micro * 0.000001 AS top_price_per_kwh,
       v.document                   AS document,
       encode(v.sha256, 'hex')      AS sha256,
       v.published_by               AS published_by,
       v.published_at               AS published_at
FROM core.tariff_version v
JOIN core.tariff f ON f.id = v.tariff_id;
ALTER VIEW query.tariff OWNER TO joulebook_reader;
REVOKE ALL ON query.tariff FROM PUBLIC;
GRANT SELECT ON query.tariff TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.tariff IS
    'One row per version of a tariff; key: tariff, version. | 电价的每个版本一行；键：tariff、version。';
COMMENT ON COLUMN query.tariff.tariff IS 'Code of the tariff. | 电价编码。';
COMMENT ON COLUMN query.tariff.version IS 'Version, from 1. | 版本，从 1 起。';
COMMENT ON COLUMN query.tariff.name IS 'Name of the tariff. | 电价名称。';
COMMENT ON COLUMN query.tariff.currency IS 'Currency of its prices. | 价格货币。';
COMMENT ON COLUMN query.tariff.tax_mode IS
    'net: prices without tax; gross: with tax. | net：不含税价；gross：含税价。';
COMMENT ON COLUMN query.tariff.state IS 'draft, active or retired. | 草稿、生效或停用。';
COMMENT ON COLUMN query.tariff.valid_from_at IS 'Valid from. | 生效时间。';
COMMENT ON COLUMN query.tariff.valid_to_at IS 'Valid until; null: open. | 失效时间；未定为空。';
COMMENT ON COLUMN query.tariff.top_price_per_kwh IS
    'Dearest kWh with tax, by which holds are estimated. | 含税最高单价，用于估算冻结额。';
COMMENT ON COLUMN query.tariff.document IS 'The document as published. | 发布的电价文件。';
COMMENT ON COLUMN query.tariff.sha256 IS 'Digest of the document. | 文件摘要。';
COMMENT ON COLUMN query.tariff.published_by IS 'Who published it. | 发布者。';
COMMENT ON COLUMN query.tariff.published_at IS 'When. | 发布时间。';
