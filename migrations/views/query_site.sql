-- Sites: where piles stand, with what they promise and what hangs on them.
CREATE OR REPLACE VIEW query.site WITH (security_barrier) AS
SELECT t.code                                     AS site,
       t.name                                     AS name,
       t.kind                                     AS kind,
       t.zone                                     AS zone,
       t.currency                                 AS currency,
       t.region                                   AS region,
       t.address                                  AS address,
       t.latitude_micro * 0.000001                AS latitude,
       t.longitude_micro * 0.000001               AS longitude,
       f.code                                     AS tariff,
       core.money(t.min_start_minor, c.exponent)  AS min_start_amount,
       core.money(t.hold_floor_minor, c.exponent) AS min_hold_amount,
       t.full_charge_within_s                     AS full_charge_within_s,
       t.grid_limit_w * 0.001                     AS grid_limit_kw,
       t.own_supply_w * 0.001                     AS own_supply_kw,
       (SELECT count(*) FROM core.station p WHERE p.site_id = t.id AND p.retired_at IS NULL)
           AS piles,
       (SELECT count(*) FROM core.station p JOIN core.station_connection k ON k.station_id = p.id
       WHERE p.site_id = t.id AND p.retired_at IS NULL AND k.opened_at IS NOT NULL AND k.closed_at IS NULL)
           AS piles_online,
       t.closed_at IS NULL                        AS is_open,
       t.created_at                               AS created_at,
       core.local_time(t.created_at, t.zone)      AS created_local
FROM core.site t
JOIN core.currency c ON c.code = t.currency
LEFT JOIN core.tariff f ON f.id = t.default_tariff_id;
ALTER VIEW query.site OWNER TO joulebook_reader;
REVOKE ALL ON query.site FROM PUBLIC;
GRANT SELECT ON query.site TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.site IS
    'One row per site; key: site. | 每个场站一行；键：site。';
COMMENT ON COLUMN query.site.site IS 'Code of the site. | 场站编码。';
COMMENT ON COLUMN query.site.name IS 'Name of the site. | 场站名称。';
COMMENT ON COLUMN query.site.kind IS
    'Kind: petrol_station, bus_depot, taxi_station, car_park, shopping_centre, roadside, highway_service_area, residential, workplace, remote, mobile. | 类型：加油站改建、公交场站、出租车快充站、停车场、商场、路边、高速服务区、住宅、单位、偏远、移动。';
COMMENT ON COLUMN query.site.zone IS
    'Time zone; every _local column of its rows is in it. | 时区；其各行的 _local 列均为该时区时间。';
COMMENT ON COLUMN query.site.currency IS 'Currency that the site charges in. | 计费货币。';
COMMENT ON COLUMN query.site.region IS
    'Region whose calendar of day types holds here. | 适用的日历地区。';
COMMENT ON COLUMN query.site.address IS 'Address. | 地址。';
COMMENT ON COLUMN query.site.latitude IS 'Latitude in degrees. | 纬度（度）。';
COMMENT ON COLUMN query.site.longitude IS 'Longitude in degrees. | 经度（度）。';
COMMENT ON COLUMN query.site.tariff IS
    'Tariff of piles that have none assigned. | 未单独指定电价时使用的电价。';
COMMENT ON COLUMN query.site.min_start_amount IS
    'What an account must have available for a start. | 启动充电所需的最低可用余额。';
COMMENT ON COLUMN query.site.min_hold_amount IS 'Least amount that a start holds. | 启动时最低冻结金额。';
COMMENT ON COLUMN query.site.full_charge_within_s IS
    'Promise of a full charge within these seconds. | 承诺充满时间（秒）。';
COMMENT ON COLUMN query.site.grid_limit_kw IS
    'Most power that the grid connection gives, kW. | 电网接入功率上限（千瓦）。';
COMMENT ON COLUMN query.site.own_supply_kw IS
    'Own supply on the site (solar, wind, storage), kW. | 自有电源（光伏、风电、储能）功率（千瓦）。';
COMMENT ON COLUMN query.site.piles IS 'Piles in service. | 在用充电桩数。';
COMMENT ON COLUMN query.site.piles_online IS 'Piles connected now. | 当前在线充电桩数。';
COMMENT ON COLUMN query.site.is_open IS 'Whether the site is in operation. | 是否运营中。';
COMMENT ON COLUMN query.site.created_at IS 'When it was registered. | 登记时间。';
COMMENT ON COLUMN query.site.created_local IS 'The same in local time. | 登记时间（当地）。';
