-- What the bill says, line by line, as the rating engine made it.
CREATE OR REPLACE VIEW query.session_line WITH (security_barrier) AS
SELECT l.session_uid                                         AS session_uid,
       s.transaction_id                                      AS transaction_id,
       l.version                                             AS bill_version,
       l.seq                                                 AS line,
       t.code                                                AS site,
       p.identity                                            AS pile,
       s.connector                                           AS connector,
       a.code                                                AS account,
       l.from_at                                             AS from_at,
       core.local_time(l.from_at, coalesce(t.zone, 'UTC'))   AS from_local,
       l.to_at                                               AS to_at,
       core.local_time(l.to_at, coalesce(t.zone, 'UTC'))     AS to_local,
       l.direction                                           AS direction,
       l.dimension                                           AS dimension,
       l.charge_code                                         AS charge_code,
       l.rate_label                                          AS rate_label,
       CASE WHEN l.unit IN ('mWh', 'us') THEN l.quantity * 0.000001 ELSE l.quantity::numeric END
           AS quantity,
       CASE l.unit WHEN 'mWh' THEN 'kWh' WHEN 'us' THEN 's' WHEN '1' THEN 'times' ELSE l.unit END
           AS unit,
       CASE l.unit WHEN 'mWh' THEN l.quantity * 0.000001 END AS quantity_kwh,
       l.price_micro * 0.000001                              AS price,
       l.net_micro * 0.000001                                AS net_amount,
       l.vat_ppm * 0.0001                                    AS vat_pct,
       l.vat_micro * 0.000001                                AS vat_amount,
       l.gross_micro * 0.000001                              AS gross_amount,
       core.money(l.amount_minor, c.exponent)                AS amount,
       l.currency                                            AS currency,
       f.code                                                AS tariff,
       v.version                                             AS tariff_version,
       l.element                                             AS tariff_element,
       l.estimated                                           AS is_estimated,
       b.state = 'posted'                                    AS is_current,
       b.settled_at                                          AS settled_at
FROM ledger.settlement_line l
JOIN ledger.settlement b ON b.session_uid = l.session_uid AND b.version = l.version
LEFT JOIN core.site t ON t.id = l.site_id
LEFT JOIN core.station p ON p.id = l.station_id
JOIN core.currency c ON c.code = l.currency
LEFT JOIN core.session s ON s.uid = l.session_uid
LEFT JOIN ledger.account a ON a.id = l.account_id
LEFT JOIN core.tariff_version v ON v.id = b.tariff_version_id
LEFT JOIN core.tariff f ON f.id = v.tariff_id;
ALTER VIEW query.session_line OWNER TO joulebook_reader;
REVOKE ALL ON query.session_line FROM PUBLIC;
GRANT SELECT ON query.session_line TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.session_line IS
    'One row per line of a bill; key: session_uid, bill_version, line. | 账单的每一行；键：session_uid、bill_version、line。';
COMMENT ON COLUMN query.session_line.session_uid IS 'Session. | 会话。';
COMMENT ON COLUMN query.session_line.transaction_id IS 'Its transactionId. | 其 transactionId。';
COMMENT ON COLUMN query.session_line.bill_version IS
    'Version of the bill; a correction makes the next. | 账单版本；更正时递增。';
COMMENT ON COLUMN query.session_line.line IS 'Number of the line. | 行号。';
COMMENT ON COLUMN query.session_line.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.session_line.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.session_line.connector IS 'Connector. | 枪号。';
COMMENT ON COLUMN query.session_line.account IS 'Account that pays. | 付款账户。';
COMMENT ON COLUMN query.session_line.from_at IS 'From. | 起始时间。';
COMMENT ON COLUMN query.session_line.from_local IS 'The same in local time. | 起始时间（当地）。';
COMMENT ON COLUMN query.session_line.to_at IS 'To. | 终止时间。';
COMMENT ON COLUMN query.session_line.to_local IS 'The same in local time. | 终止时间（当地）。';
COMMENT ON COLUMN query.session_line.direction IS 'import (charging) or export (discharging). | 充电或放电。';
COMMENT ON COLUMN query.session_line.dimension IS
    'What is counted: ENERGY, TIME, PARKING_TIME, FLAT (a fixed fee), or why the price changes: CAP takes off what a charge has beyond its cap, MIN_PRICE and MAX_PRICE bring the bill up or down to the tariff''s limit; these three count nothing. | 计量维度：ENERGY 电量、TIME 时间、PARKING_TIME 占位时间、FLAT 固定费用；或价格调整的原因：CAP 扣除超出单项封顶的部分，MIN_PRICE、MAX_PRICE 将账单补足至最低价或减至最高价，此三者数量为 0。';
COMMENT ON COLUMN query.session_line.charge_code IS
    'What is charged for: ENERGY_ELEC electricity, ENERGY_SERVICE service fee, and others. | 收费项目：ENERGY_ELEC 电费、ENERGY_SERVICE 服务费等。';
COMMENT ON COLUMN query.session_line.rate_label IS
    'Label of the price period: sharp, peak, flat, valley. | 时段标签：尖、峰、平、谷。';
COMMENT ON COLUMN query.session_line.quantity IS 'Quantity in the unit beside it. | 数量，单位见旁列。';
COMMENT ON COLUMN query.session_line.unit IS
    'Unit of the quantity: kWh, s (seconds) or times. | 数量单位：kWh（千瓦时）、s（秒）或 times（次）。';
COMMENT ON COLUMN query.session_line.quantity_kwh IS
    'Energy of the line, kWh; null for lines of time and fixed fees. | 该行电量（千瓦时）；时间与固定费用行为空。';
COMMENT ON COLUMN query.session_line.price IS
    'Price as the tariff says it: per kWh, per hour or each time. | 电价单价：每千瓦时、每小时或每次。';
COMMENT ON COLUMN query.session_line.net_amount IS 'Amount without tax, not rounded. | 不含税金额（未取整）。';
COMMENT ON COLUMN query.session_line.vat_pct IS
    'Tax rate, %; null: no tax applies. | 税率（%）；不适用时为空。';
COMMENT ON COLUMN query.session_line.vat_amount IS 'Tax, not rounded. | 税额（未取整）。';
COMMENT ON COLUMN query.session_line.gross_amount IS 'Amount with tax, not rounded. | 含税金额（未取整）。';
COMMENT ON COLUMN query.session_line.amount IS
    'Its share of the bill, with tax, rounded; the lines add up to the bill. | 计入账单的金额（含税，已取整）；各行之和等于账单。';
COMMENT ON COLUMN query.session_line.currency IS 'Currency. | 货币。';
COMMENT ON COLUMN query.session_line.tariff IS 'Tariff. | 电价。';
COMMENT ON COLUMN query.session_line.tariff_version IS 'Version of the tariff. | 电价版本。';
COMMENT ON COLUMN query.session_line.tariff_element IS
    'Element and component of the tariff, counted from 0. | 电价元素与价格项序号（从 0 起）。';
COMMENT ON COLUMN query.session_line.is_estimated IS 'Whether its quantity is interpolated. | 数量是否为插值。';
COMMENT ON COLUMN query.session_line.is_current IS
    'False: a correction has reversed this bill. | 否：该账单已被冲正。';
COMMENT ON COLUMN query.session_line.settled_at IS 'When the bill was settled. | 结算时间。';
