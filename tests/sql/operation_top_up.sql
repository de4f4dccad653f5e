-- Topping up: exact money, once for each number of a channel, arrears first.
\ir role_helpers.psql
SELECT t.world();

SELECT t.is(t.act('test.cashier', $$operation.top_up(customer => 'C-A', amount => '50.05', currency => 'CNY', channel => 'wechat', external_no => 'W1', bonus => '5')$$)
    - 'journalId', '{"account": "wallet:C-A:CNY", "customer": "C-A", "currency": "CNY", "amount": "50.05", "bonus": "5.00", "toArrears": "0.00",
    "balance": "150.05", "channel": "wechat", "externalNo": "W1", "repeated": false}'::jsonb, 'a top-up');
SELECT t.is(t.run('test.viewer', $$SELECT string_agg((account, debit, credit, balance_after)::text, ' ' ORDER BY line) FROM query.account_ledger WHERE external_no = 'W1'$$),
    '(psp:wechat:CNY,50.05,,) (wallet:C-A:CNY,,50.05,150.05) (promo:bonus:CNY,5.00,,) (bonus:C-A:CNY,,5.00,5.00)', 'its journal');
SELECT t.is(t.run('test.viewer', $$SELECT string_agg((account, balance, available)::text, ' ' ORDER BY account) FROM query.account WHERE customer = 'C-A'$$),
    '(arrears:C-A:CNY,0.00,0.00) (bonus:C-A:CNY,5.00,5.00) (wallet:C-A:CNY,150.05,150.05)', 'the accounts');
SELECT t.is(t.run('test.viewer', $$SELECT balance FROM query.account WHERE account = 'psp:wechat:CNY'$$), '50.05', 'the channel owes it, summed from entries');
\echo 'ok - a top-up is booked exactly, bonus beside it'
-- Another payment between the first answer and the repeat: the repeat is answered as the first time.
SELECT t.act('test.cashier', $$operation.top_up(customer => 'C-A', amount => 1, currency => 'CNY', channel => 'wechat', external_no => 'W2')$$);
SELECT t.is(t.act('test.cashier', $$operation.top_up(customer => 'C-A', amount => 50.05, currency => 'CNY', channel => 'wechat', external_no => 'W1', bonus => 5.00)$$)
    #>> '{balance}', '150.05', 'a repeat is the first answer');
SELECT t.is(t.act('test.cashier', $$operation.top_up(account => 'wallet:C-A:CNY', amount => 50.05, currency => 'CNY', channel => 'wechat', external_no => 'W1', bonus => 5)$$)
    ->> 'repeated', 'true', 'also when it names the account');
SELECT t.is((SELECT balance FROM query.account WHERE account = 'wallet:C-A:CNY'), 151.05, 'and books nothing');
SELECT t.is((SELECT count(*)::int FROM query.audit WHERE action = 'TopUp' AND actor = 'test.cashier'), 2, 'one audit row each');
SELECT t.is(t.act('test.cashier', $$operation.top_up(customer => 'C-A', amount => 1, currency => 'CNY', channel => 'alipay', external_no => 'W1')$$) ->> 'repeated',
    'false', 'the same number of another channel is another payment');
SELECT t.is(string_agg(t.act('test.cashier', format('operation.top_up(customer => ''C-A'', amount => 0.01, currency => ''CNY'', channel => %L, external_no => %L)', channel, number)) ->> 'repeated', ' '),
    'false false false', 'where the channel ends is told') FROM (VALUES ('a', 'b:c'), ('a:b', 'c'), ('a%3Ab', 'c')) AS v (channel, number);

SELECT t.no('test.cashier', format('operation.top_up(%s)', args), code, member) FROM (VALUES
    ($$50.06, 'CNY', 'wechat', 'W1', 'C-A', bonus => 5$$, 'repeat-changed', 'external_no'), ($$50.05, 'CNY', 'wechat', 'W1', 'C-A'$$, 'repeat-changed', 'external_no'),
    ($$50.05, 'CNY', 'wechat', 'W1', 'C-B', bonus => 5$$, 'repeat-changed', 'external_no'),
    ($$0, 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'), ($$-1, 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'),
    ($$0.001, 'CNY', 'cash', 'X', 'C-A'$$, 'amount-decimals', 'amount'), ($$1e12, 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'),
    ($$'NaN', 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'), ($$'Infinity', 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'),
    ($$'-Infinity', 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'), ($$NULL, 'CNY', 'cash', 'X', 'C-A'$$, 'member-range', 'amount'),
    ($$1, 'EUR', 'cash', 'X', 'C-A'$$, 'account-unknown', 'account'), ($$1, 'EUR', 'cash', 'X', account => 'wallet:C-A:CNY'$$, 'currency-differs', 'currency'),
    ($$1, NULL, 'cash', 'X', 'C-A'$$, 'currency-differs', 'currency'), ($$1, 'CNY', NULL, 'X', 'C-A'$$, 'member-missing', 'channel'),
    ($$1, 'CNY', '', 'X', 'C-A'$$, 'member-text', 'channel'), ($$1, 'CNY', repeat('c', 33), 'X', 'C-A'$$, 'member-text', 'channel'),
    ($$1, 'CNY', 'cash', NULL, 'C-A'$$, 'member-missing', 'external_no'), ($$1, 'CNY', 'cash', E'a\nb', 'C-A'$$, 'member-text', 'external_no'),
    ($$1, 'CNY', 'cash', repeat('x', 129), 'C-A'$$, 'member-text', 'external_no'), ($$1, 'CNY', 'cash', 'X'$$, 'member-missing', 'customer'),
    ($$1, 'CNY', 'cash', 'X', 'C-X'$$, 'customer-unknown', 'customer'), ($$1, 'CNY', 'cash', 'X', account => 'rev.elec:S-A'$$, 'account-unknown', 'account'),
    ($$1, 'CNY', 'cash', 'X', account => 'arrears:C-A:CNY'$$, 'account-unknown', 'account'), ($$1, 'CNY', 'cash', 'X', 'C-A', 'wallet:C-B:CNY'$$, 'account-unknown', 'account'),
    ($$1, 'CNY', 'cash', 'X', 'C-A', bonus => -1$$, 'member-range', 'bonus'), ($$1, 'CNY', 'cash', 'X', 'C-A', bonus => 0.005$$, 'amount-decimals', 'bonus')) AS c (args, code, member);
SELECT t.is((SELECT count(*)::int FROM query.account_ledger WHERE external_no IN ('X', E'a\nb')), 0, 'nothing refused is booked');
\echo 'ok - a repeat is the first answer, a changed one refused, and so is all that is no amount'

SELECT t.is((t.refusal('test.cashier', format('SELECT operation.top_up(%s)', args))).message, 'member-range: ' || text, args) FROM (VALUES
    ($$-5, 'CNY', 'cash', 'X', 'C-A'$$, 'amount is out of range; allowed: 0.01 .. 1000000000 CNY | amount 超出范围；允许：0.01 .. 1000000000 CNY'),
    ($$1, 'CNY', 'cash', 'X', 'C-A', bonus => -1$$, 'bonus is out of range; allowed: 0 .. 1000000000 CNY | bonus 超出范围；允许：0 .. 1000000000 CNY')) AS c (args, text);
\echo 'ok - what is out of range is told the range'

-- A currency without decimals, an account that owes, and one that is postpaid.
SELECT t.act('test.operator', $$management.register_user('C-JP', 'JPY')$$);
SELECT t.is(t.act('test.cashier', $$operation.top_up(500, 'JPY', 'cash', 'J1', 'C-JP')$$) ->> 'balance', '500', 'yen have no decimals');
SELECT t.is((t.refusal('test.cashier', $$SELECT operation.top_up(0, 'JPY', 'cash', 'J2', 'C-JP')$$)).message LIKE '%allowed: 1 .. 1000000000 JPY |%', true, 'nor has the least of them');
SELECT t.no('test.cashier', $$operation.top_up(0.5, 'JPY', 'cash', 'J2', 'C-JP')$$, 'amount-decimals', 'amount');
SELECT t.act('test.operator', $$management.register_user('C-POST', 'CNY', payment => 'postpaid', ceiling => 100)$$);
SELECT t.is(t.act('test.cashier', $$operation.top_up(20, 'CNY', 'bank', 'P1', 'C-POST')$$) ->> 'account', 'receivable:C-POST:CNY', 'a postpaid customer pays');
SELECT t.is((SELECT available FROM query.account WHERE account = 'receivable:C-POST:CNY'), 120.00, 'and has that much more to spend');
SELECT t.no('test.cashier', $$operation.top_up(20, 'CNY', 'bank', 'P2', 'C-POST', bonus => 1)$$, 'bonus-prepaid', 'bonus');
DO $$
DECLARE
    wallet bigint := (SELECT id FROM ledger.account WHERE code = 'wallet:C-B:CNY');
    arrears bigint := (SELECT id FROM ledger.account WHERE code = 'arrears:C-B:CNY');
BEGIN
    PERFORM ledger.post('test:arrears', sha256('x'), 'adjust', now(), NULL, 'test',
        ARRAY[ROW(arrears, 'D', 3000)::ledger.leg, ROW((SELECT id FROM ledger.account WHERE code = 'rev.elec:S-B'), 'C', 3000)::ledger.leg]);
END
$$;
SELECT t.is(t.act('test.cashier', $$operation.top_up(20, 'CNY', 'cash', 'A1', 'C-B')$$) - 'journalId', '{"account": "wallet:C-B:CNY", "customer": "C-B",
    "currency": "CNY", "amount": "20.00", "bonus": "0.00", "toArrears": "20.00", "balance": "100.00", "channel": "cash", "externalNo": "A1", "repeated": false}'::jsonb,
    'arrears come first');
SELECT t.is(t.act('test.cashier', $$operation.top_up(15, 'CNY', 'cash', 'A2', 'C-B')$$) ->> 'toArrears', '10.00', 'until they are paid');
SELECT t.is((SELECT string_agg(balance::text, ' ' ORDER BY account) FROM query.account WHERE customer = 'C-B'), '0.00 0.00 105.00', 'the rest is the wallet''s');
SELECT t.is((SELECT sum(coalesce(debit, 0) - coalesce(credit, 0)) FROM query.account_ledger), 0.00, 'debit is credit');
SELECT t.sound('after the top-ups');
\echo 'ok - yen, receivables and arrears'
