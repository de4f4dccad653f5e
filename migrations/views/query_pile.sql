-- Piles: what they are, and whether they are connected.
CREATE OR REPLACE VIEW query.pile WITH (security_barrier) AS
SELECT p.identity                                      AS pile,
       t.code                                          AS site,
       p.place                                         AS place,
       p.outdoors                                      AS is_outdoors,
       p.protection                                    AS protection,
       p.vendor                                        AS vendor,
       p.model                                         AS model,
       p.serial                                        AS serial_number,
       p.box_serial                                    AS box_serial_number,
       p.firmware                                      AS firmware,
       p.meter_type                                    AS meter_type,
       p.meter_serial                                  AS meter_serial_number,
       p.registration                                  AS registration,
       p.registration = 'accepted'                     AS is_accepted,
       p.blocked                                       AS is_blocked,
       p.security_profile                              AS security_profile,
       core.station_has_key(p.id)                      AS has_key,
       p.quirks                                        AS quirks,
       p.strict                                        AS is_strict,
       p.export_allowed                                AS is_export_allowed,
       p.heartbeat_s                                   AS heartbeat_s,
       p.ping_s                                        AS ping_s,
       (SELECT count(*) FROM core.connector n WHERE n.station_id = p.id AND n.number > 0)
           AS connectors,
       k.opened_at IS NOT NULL AND k.closed_at IS NULL AS is_online,
       k.opened_at                                     AS connected_at,
       core.local_time(k.opened_at, t.zone)            AS connected_local,
       k.closed_at                                     AS disconnected_at,
       k.close_reason                                  AS disconnect_reason,
       k.remote                                        AS remote,
       e.at                                            AS last_seen_at,
       core.local_time(e.at, t.zone)                   AS last_seen_local,
       p.boot_number                                   AS boots,
       p.booted_at                                     AS booted_at,
       core.local_time(p.booted_at, t.zone)            AS booted_local,
       p.registered_at                                 AS registered_at,
       p.retired_at                                    AS retired_at
FROM core.station p
JOIN core.site t ON t.id = p.site_id
LEFT JOIN core.station_connection k ON k.station_id = p.id
LEFT JOIN core.station_seen e ON e.station = p.id;
ALTER VIEW query.pile OWNER TO joulebook_reader;
REVOKE ALL ON query.pile FROM PUBLIC;
GRANT SELECT ON query.pile TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.pile IS
    'One row per pile (charge point); key: pile. | 每个充电桩一行；键：pile。';
COMMENT ON COLUMN query.pile.pile IS
    'Identity of the pile, its charge_point_id in actions. | 充电桩标识，即动作中的 charge_point_id。';
COMMENT ON COLUMN query.pile.site IS 'Site where it stands. | 所在场站。';
COMMENT ON COLUMN query.pile.place IS 'fixed, relocatable or mobile. | 固定、可搬迁或移动。';
COMMENT ON COLUMN query.pile.is_outdoors IS 'Whether it stands outdoors. | 是否户外。';
COMMENT ON COLUMN query.pile.protection IS
    'Protection grade: outdoors IP54 or better, indoors IP32 or better. | 防护等级：户外不低于 IP54，户内不低于 IP32。';
COMMENT ON COLUMN query.pile.vendor IS 'Vendor, as the pile says. | 厂商（桩上报）。';
COMMENT ON COLUMN query.pile.model IS 'Model, as the pile says. | 型号（桩上报）。';
COMMENT ON COLUMN query.pile.serial_number IS 'Serial number of the pile. | 桩序列号。';
COMMENT ON COLUMN query.pile.box_serial_number IS 'Serial number of the charge box. | 充电箱序列号。';
COMMENT ON COLUMN query.pile.firmware IS 'Firmware version, as the pile says. | 固件版本（桩上报）。';
COMMENT ON COLUMN query.pile.meter_type IS 'Type of its meter. | 电表类型。';
COMMENT ON COLUMN query.pile.meter_serial_number IS 'Serial number of its meter. | 电表序列号。';
COMMENT ON COLUMN query.pile.registration IS
    'none, accepted, pending or rejected. | 注册状态：none、accepted、pending、rejected。';
COMMENT ON COLUMN query.pile.is_accepted IS 'Whether it was accepted, so that it may charge. | 是否已接纳，即可否充电。';
COMMENT ON COLUMN query.pile.is_blocked IS 'Whether it is blocked, so that its connection is refused. | 是否已封锁，即拒绝其连接。';
COMMENT ON COLUMN query.pile.security_profile IS
    'Security profile of OCPP, 0 to 3. | OCPP 安全配置 0 至 3。';
COMMENT ON COLUMN query.pile.has_key IS 'Whether it has a valid key. | 是否有有效密钥。';
COMMENT ON COLUMN query.pile.quirks IS 'Names of its quirk switches. | 兼容开关名称。';
COMMENT ON COLUMN query.pile.is_strict IS
    'Whether deviations from the protocol are refused. | 是否严格拒绝协议偏差。';
COMMENT ON COLUMN query.pile.is_export_allowed IS 'Whether it may discharge vehicles. | 是否允许放电。';
COMMENT ON COLUMN query.pile.heartbeat_s IS 'Heartbeat interval it is given, s; null: as the node is set. | 心跳间隔（秒）；空为节点设置。';
COMMENT ON COLUMN query.pile.ping_s IS 'Ping interval, s; 0: none; null: as the node is set. | Ping 间隔（秒）；0 为无，空为节点设置。';
COMMENT ON COLUMN query.pile.connectors IS 'Number of its connectors. | 充电枪数量。';
COMMENT ON COLUMN query.pile.is_online IS 'Whether it is connected now. | 当前是否在线。';
COMMENT ON COLUMN query.pile.connected_at IS 'When its last connection began. | 最近一次连接时间。';
COMMENT ON COLUMN query.pile.connected_local IS 'The same in local time. | 最近一次连接时间（当地）。';
COMMENT ON COLUMN query.pile.disconnected_at IS
    'When that connection ended; null while it lasts. | 该连接断开时间；在线时为空。';
COMMENT ON COLUMN query.pile.disconnect_reason IS 'Why it ended. | 断开原因。';
COMMENT ON COLUMN query.pile.remote IS 'Network address of the connection. | 连接的网络地址。';
COMMENT ON COLUMN query.pile.last_seen_at IS
    'When it was last heard of; written every 30 s. | 最近收到报文时间；每 30 秒写入。';
COMMENT ON COLUMN query.pile.last_seen_local IS 'The same in local time. | 最近收到报文时间（当地）。';
COMMENT ON COLUMN query.pile.boots IS 'BootNotifications taken so far; one that is sent again counts again. | 累计收到的启动通知数；重发的也计入。';
COMMENT ON COLUMN query.pile.booted_at IS 'When it last booted. | 最近启动时间。';
COMMENT ON COLUMN query.pile.booted_local IS 'The same in local time. | 最近启动时间（当地）。';
COMMENT ON COLUMN query.pile.registered_at IS 'In service since then. | 投运时间。';
COMMENT ON COLUMN query.pile.retired_at IS 'When it was retired. | 退役时间。';
