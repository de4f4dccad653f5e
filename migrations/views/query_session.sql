-- Sessions. Amounts come from the settlement alone, so that they agree with the ledger; the energy of a
-- session that is not settled yet is the difference of its two registers.
CREATE OR REPLACE VIEW query.session WITH (security_barrier) AS
SELECT s.uid                                                  AS session_uid,
       s.transaction_id                                       AS transaction_id,
       t.code                                                 AS site,
       p.identity                                             AS pile,
       s.connector                                            AS connector,
       s.place                                                AS place,
       s.state                                                AS state,
       s.tag_hint                                             AS tag,
       u.code                                                 AS customer,
       a.code                                                 AS account,
       g.code                                                 AS fleet,
       s.vehicle_id                                           AS vehicle_id,
       f.code                                                 AS tariff,
       v.version                                              AS tariff_version,
       s.currency                                             AS currency,
       s.direction                                            AS direction,
       s.started_at                                           AS started_at,
       core.local_time(s.started_at, coalesce(t.zone, 'UTC')) AS started_local,
       s.stopped_at                                           AS stopped_at,
       core.local_time(s.stopped_at, coalesce(t.zone, 'UTC')) AS stopped_local,
       core.seconds_between(s.started_at, s.stopped_at)       AS duration_s,
       s.meter_start_mwh * 0.000001                           AS meter_start_kwh,
       s.meter_stop_mwh * 0.000001                            AS meter_stop_kwh,
       coalesce(b.energy_import_mwh, s.meter_stop_mwh::numeric - s.meter_start_mwh) * 0.000001
           AS energy_kwh,
       b.energy_export_mwh * 0.000001                         AS energy_export_kwh,
       b.estimated_mwh * 0.000001                             AS estimated_kwh,
       core.money(b.gross_minor, c.exponent)                  AS amount,
       core.money(b.net_minor, c.exponent)                    AS net_amount,
       core.money(b.vat_minor, c.exponent)                    AS vat_amount,
       core.money(l.electricity, c.exponent)                  AS electricity_amount,
       core.money(l.service, c.exponent)                      AS service_amount,
       core.money(l.other, c.exponent)                        AS other_amount,
       core.money(b.credit_minor, c.exponent)                 AS credit_amount,
       core.money(b.from_bonus_minor, c.exponent)             AS from_bonus_amount,
       core.money(b.from_wallet_minor, c.exponent)            AS from_wallet_amount,
       core.money(b.to_arrears_minor, c.exponent)             AS to_arrears_amount,
       core.money(h.held, c.exponent)                         AS hold_amount,
       core.money(s.running_cost_minor, c.exponent)           AS running_cost_amount,
       s.stop_reason                                          AS stop_reason,
       s.verdict                                              AS verdict,
       s.reservation_id                                       AS reservation_id,
       s.state = 'settled'                                    AS is_settled,
       s.unsecured                                            AS is_unsecured,
       s.start_queued                                         AS is_start_queued,
       s.stop_queued                                          AS is_stop_queued,
       coalesce(b.estimated_mwh > 0, false)                   AS is_estimated,
       w.kinds IS NOT NULL                                    AS is_in_review,
       w.kinds                                                AS review_kinds,
       b.evidence                                             AS evidence,
       b.settled_at                                           AS settled_at,
       core.local_time(b.settled_at, coalesce(t.zone, 'UTC')) AS settled_local,
       b.journal_id                                           AS journal_id,
       s.start_reported_at                                    AS start_reported_at,
       s.start_received_at                                    AS start_received_at,
       s.stop_reported_at                                     AS stop_reported_at,
       s.stop_received_at                                     AS stop_received_at,
       s.start_offset_us * 0.000001                           AS clock_offset_s,
       s.booked_at                                            AS booked_at
FROM core.session s
LEFT JOIN core.site t ON t.id = s.site_id
LEFT JOIN core.station p ON p.id = s.station_id
JOIN core.currency c ON c.code = s.currency
LEFT JOIN core.customer u ON u.id = s.customer_id
LEFT JOIN ledger.account a ON a.id = s.account_id
LEFT JOIN core.fleet g ON g.id = s.fleet_id
LEFT JOIN core.tariff_version v ON v.id = s.tariff_version_id
LEFT JOIN core.tariff f ON f.id = v.tariff_id
LEFT JOIN ledger.settlement b ON b.session_uid = s.uid AND b.state = 'posted'
LEFT JOIN LATERAL (
    SELECT sum(i.amount_minor) FILTER (WHERE i.charge_code = 'ENERGY_ELEC') AS electricity,
           sum(i.amount_minor) FILTER (WHERE i.charge_code = 'ENERGY_SERVICE') AS service,
           sum(i.amount_minor) FILTER (WHERE i.charge_code NOT IN ('ENERGY_ELEC', 'ENERGY_SERVICE')) AS other
    FROM ledger.settlement_line i
    WHERE i.session_uid = b.session_uid AND i.version = b.version) l ON true
LEFT JOIN LATERAL (
    SELECT sum(o.amount_minor) AS held FROM ledger.hold o
    WHERE o.session_uid = s.uid AND o.state = 'active') h ON true
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT x.kind, ', ') AS kinds FROM core.review x
    WHERE x.session_uid = s.uid AND x.state = 'open') w ON true;
ALTER VIEW query.session OWNER TO joulebook_reader;
REVOKE ALL ON query.session FROM PUBLIC;
GRANT SELECT ON query.session TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.session IS
    'One row per transaction of a pile; key: session_uid. | 充电桩的每次交易一行；键：session_uid。';
COMMENT ON COLUMN query.session.session_uid IS 'Key of the session. | 会话唯一标识。';
COMMENT ON COLUMN query.session.transaction_id IS
    'transactionId that the pile was given. | 分配给桩的 transactionId。';
COMMENT ON COLUMN query.session.site IS 'Site. | 场站。';
COMMENT ON COLUMN query.session.pile IS 'Pile. | 充电桩。';
COMMENT ON COLUMN query.session.connector IS
    'Connector; null if the start could not be read. | 枪号；启动报文无法解读时为空。';
COMMENT ON COLUMN query.session.place IS
    'Where a relocatable or mobile pile stood. | 可搬迁或移动桩当时的位置。';
COMMENT ON COLUMN query.session.state IS
    'open, presumed_ended, stopped, review, settled or lost. | 进行中、推定结束、已停止、待审核、已结算或遗失。';
COMMENT ON COLUMN query.session.tag IS 'Tag that started it, masked. | 启动卡号（已遮蔽）。';
COMMENT ON COLUMN query.session.customer IS 'Customer. | 客户编码。';
COMMENT ON COLUMN query.session.account IS 'Account that pays. | 付款账户。';
COMMENT ON COLUMN query.session.fleet IS 'Fleet. | 车队。';
COMMENT ON COLUMN query.session.vehicle_id IS 'Vehicle. | 车辆。';
COMMENT ON COLUMN query.session.tariff IS 'Tariff, frozen at the start. | 电价（启动时固定）。';
COMMENT ON COLUMN query.session.tariff_version IS 'Version of that tariff. | 电价版本。';
COMMENT ON COLUMN query.session.currency IS 'Currency of all its amounts. | 各金额的货币。';
COMMENT ON COLUMN query.session.direction IS 'import, export or both. | 充电、放电或双向。';
COMMENT ON COLUMN query.session.started_at IS 'Start that money counts by. | 计费开始时间。';
COMMENT ON COLUMN query.session.started_local IS 'The same in local time. | 计费开始时间（当地）。';
COMMENT ON COLUMN query.session.stopped_at IS 'End that money counts by. | 计费结束时间。';
COMMENT ON COLUMN query.session.stopped_local IS 'The same in local time. | 计费结束时间（当地）。';
COMMENT ON COLUMN query.session.duration_s IS 'From start to end, s. | 时长（秒）。';
COMMENT ON COLUMN query.session.meter_start_kwh IS
    'Import register at the start, kWh. | 开始时正向电表读数（千瓦时）。';
COMMENT ON COLUMN query.session.meter_stop_kwh IS
    'Import register at the end, kWh. | 结束时正向电表读数（千瓦时）。';
COMMENT ON COLUMN query.session.energy_kwh IS
    'Energy charged, kWh: as settled, until then by the registers. | 充电电量（千瓦时）：以结算为准，结算前按电表读数。';
COMMENT ON COLUMN query.session.energy_export_kwh IS
    'Energy discharged, kWh, as settled. | 放电电量（千瓦时），以结算为准。';
COMMENT ON COLUMN query.session.estimated_kwh IS
    'Part of the energy that was interpolated over a gap, kWh. | 跨缺口插值的电量（千瓦时）。';
COMMENT ON COLUMN query.session.amount IS 'Amount to pay, with tax. | 应付金额（含税）。';
COMMENT ON COLUMN query.session.net_amount IS 'The same without tax. | 不含税金额。';
COMMENT ON COLUMN query.session.vat_amount IS 'Tax in it. | 税额。';
COMMENT ON COLUMN query.session.electricity_amount IS 'Electricity, with tax. | 电费（含税）。';
COMMENT ON COLUMN query.session.service_amount IS 'Service fee, with tax. | 服务费（含税）。';
COMMENT ON COLUMN query.session.other_amount IS 'All other fees, with tax. | 其他费用（含税）。';
COMMENT ON COLUMN query.session.credit_amount IS 'Credit for energy discharged. | 放电应付客户金额。';
COMMENT ON COLUMN query.session.from_bonus_amount IS 'Paid from the bonus account. | 由赠送账户支付。';
COMMENT ON COLUMN query.session.from_wallet_amount IS 'Paid from the wallet. | 由钱包支付。';
COMMENT ON COLUMN query.session.to_arrears_amount IS 'Left owing as arrears. | 计入欠费。';
COMMENT ON COLUMN query.session.hold_amount IS 'Amount held for it now. | 当前冻结金额。';
COMMENT ON COLUMN query.session.running_cost_amount IS
    'Always null: no cost is kept while a session runs. | 恒为空：充电过程中不保存当前费用。';
COMMENT ON COLUMN query.session.stop_reason IS
    'Reason of the stop, as the pile spells it. | 停止原因（按桩上报）。';
COMMENT ON COLUMN query.session.verdict IS 'What the pile was told about the tag. | 对卡号的授权结果。';
COMMENT ON COLUMN query.session.reservation_id IS 'Reservation that it used. | 使用的预约号。';
COMMENT ON COLUMN query.session.is_settled IS 'Whether it is settled. | 是否已结算。';
COMMENT ON COLUMN query.session.is_unsecured IS 'Whether it started without a hold. | 是否在无冻结情况下启动。';
COMMENT ON COLUMN query.session.is_start_queued IS
    'Whether the start came from an offline queue. | 启动是否来自离线队列。';
COMMENT ON COLUMN query.session.is_stop_queued IS
    'Whether the stop came from an offline queue. | 停止是否来自离线队列。';
COMMENT ON COLUMN query.session.is_estimated IS 'Whether part of the energy is interpolated. | 是否含插值电量。';
COMMENT ON COLUMN query.session.is_in_review IS 'Whether a review of it is open. | 是否有未决审核。';
COMMENT ON COLUMN query.session.review_kinds IS 'Kinds of its open reviews. | 未决审核种类。';
COMMENT ON COLUMN query.session.evidence IS 'What the energy was billed by. | 电量计费依据。';
COMMENT ON COLUMN query.session.settled_at IS 'When it was settled. | 结算时间。';
COMMENT ON COLUMN query.session.settled_local IS 'The same in local time. | 结算时间（当地）。';
COMMENT ON COLUMN query.session.journal_id IS
    'Journal of the settlement; null: nothing to pay. | 结算凭证；无应付款时为空。';
COMMENT ON COLUMN query.session.start_reported_at IS 'Start, as the pile''s clock said. | 桩时钟报告的开始时间。';
COMMENT ON COLUMN query.session.start_received_at IS 'When the start was received. | 启动报文接收时间。';
COMMENT ON COLUMN query.session.stop_reported_at IS 'End, as the pile''s clock said. | 桩时钟报告的结束时间。';
COMMENT ON COLUMN query.session.stop_received_at IS 'When the stop was received. | 停止报文接收时间。';
COMMENT ON COLUMN query.session.clock_offset_s IS
    'The pile''s clock minus ours at the start, s; null: unknown. | 启动时桩时钟与系统时钟之差（秒）；未知为空。';
COMMENT ON COLUMN query.session.booked_at IS 'When the row was written. | 入库时间。';
