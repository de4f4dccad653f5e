-- Day types that tariffs may name: holidays, peak-season days.
CREATE OR REPLACE VIEW query.calendar_day WITH (security_barrier) AS
SELECT d.region   AS region,
       d.date     AS date,
       d.day_type AS day_type
FROM core.day_calendar d;
ALTER VIEW query.calendar_day OWNER TO joulebook_reader;
REVOKE ALL ON query.calendar_day FROM PUBLIC;
GRANT SELECT ON query.calendar_day TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.calendar_day IS
    'One row per region and date with a day type; key: region, date. | 每个地区的每个设有日期类型的日期一行；键：region、date。';
COMMENT ON COLUMN query.calendar_day.region IS 'Region of the calendar. | 日历地区。';
COMMENT ON COLUMN query.calendar_day.date IS 'Local date. | 当地日期。';
COMMENT ON COLUMN query.calendar_day.day_type IS 'Type of the day, as tariffs name it in day_type. | 日期类型，即电价 day_type 中所用名称。';
