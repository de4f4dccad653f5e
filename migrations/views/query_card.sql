-- Cards. The tag itself is never shown: it is all that some piles ask for before they sell energy.
CREATE OR REPLACE VIEW query.card WITH (security_barrier) AS
SELECT k.id         AS card_id,
       k.tag_hint   AS tag,
       k.status     AS status,
       k.expires_at AS expires_at,
       u.code       AS customer,
       a.code       AS account,
       g.code       AS fleet,
       k.vehicle_id AS vehicle_id,
       h.parent     AS parent_group,
       t.code       AS home_site,
       k.created_at AS created_at
FROM core.card k
LEFT JOIN core.customer u ON u.id = k.customer_id
LEFT JOIN core.site t ON t.id = u.home_site_id
LEFT JOIN ledger.account a ON a.id = k.account_id
LEFT JOIN core.fleet g ON g.id = k.fleet_id
LEFT JOIN core.tag_group h ON h.id = k.group_id;
ALTER VIEW query.card OWNER TO joulebook_reader;
REVOKE ALL ON query.card FROM PUBLIC;
GRANT SELECT ON query.card TO joulebook_viewer, joulebook_operator, joulebook_cashier, joulebook_admin;
COMMENT ON VIEW query.card IS
    'One row per card; key: card_id. | 每张卡一行；键：card_id。';
COMMENT ON COLUMN query.card.card_id IS 'Number of the card. | 卡编号。';
COMMENT ON COLUMN query.card.tag IS 'Tag, masked. | 卡号（已遮蔽）。';
COMMENT ON COLUMN query.card.status IS 'active, blocked, lost or retired. | 正常、冻结、挂失或注销。';
COMMENT ON COLUMN query.card.expires_at IS 'Valid until then; null: no end. | 有效期至；无期限为空。';
COMMENT ON COLUMN query.card.customer IS 'Customer. | 客户。';
COMMENT ON COLUMN query.card.account IS 'Account that pays. | 付款账户。';
COMMENT ON COLUMN query.card.fleet IS 'Fleet. | 车队。';
COMMENT ON COLUMN query.card.vehicle_id IS 'Vehicle. | 车辆。';
COMMENT ON COLUMN query.card.parent_group IS
    'Group of cards that may end one another''s sessions. | 可互相结束会话的卡组。';
COMMENT ON COLUMN query.card.home_site IS 'Site whose operators see its customer. | 客户归属场站。';
COMMENT ON COLUMN query.card.created_at IS 'When it was registered. | 登记时间。';
