-- The card of a tag, by the rule of api.find_customer.
CREATE OR REPLACE FUNCTION api.find_card(id_tag text)
RETURNS core.card
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found core.card;
    home bigint;
BEGIN
    PERFORM core.actor();
    SELECT k.* INTO found FROM core.card k WHERE k.tag_key = core.tag_key(find_card.id_tag);
    SELECT u.home_site_id INTO home FROM core.customer u WHERE u.id = found.customer_id;
    IF found.id IS NULL
       OR NOT (home IN (SELECT core.visible_sites()) OR home IS NULL AND core.sees_all()) IS TRUE THEN
        PERFORM api.refuse('card-unknown', 'id_tag');
    END IF;
    PERFORM core.require_site(home);
    RETURN found;
END
$$;
ALTER FUNCTION api.find_card(text) OWNER TO joulebook_writer;
REVOKE ALL ON FUNCTION api.find_card(text) FROM PUBLIC;
COMMENT ON FUNCTION api.find_card(text) IS
    'The card of a tag, if the caller may see it. | 按卡号查找可见卡。';
