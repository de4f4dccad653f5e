-- An item of review, if the caller may see its site; one that belongs to no site is for those who see all.
CREATE OR REPLACE FUNCTION api.find_review(review_id bigint)
RETURNS core.review
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    item core.review;
    home bigint;
BEGIN
    PERFORM core.actor();
    SELECT * INTO item FROM core.review r WHERE r.id = find_review.review_id;
    home := coalesce(item.site_id, (SELECT s.site_id FROM core.session s WHERE s.uid = item.session_uid));
    IF item.id IS NULL OR NOT (home IN (SELECT core.visible_sites()) OR home IS NULL AND core.sees_all()) IS TRUE THEN
        PERFORM api.refuse('review-unknown', 'review_id', coalesce(review_id::text, ''));
    END IF;
    PERFORM core.require_site(home);
    RETURN item;
END
$$;
ALTER FUNCTION api.find_review(bigint) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_review(bigint) FROM PUBLIC;
COMMENT ON FUNCTION api.find_review(bigint) IS
    'An item of review, if the caller may see it. | 可见的审核事项。';
