"""Who is let in, and what everybody else is told."""
import base64
import os
import socket
import unittest

from wire import KEY, TEXT, Host, basic, frame, parse_head, read_all, until, upgrade

PRI = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'


class Handshake(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()

    @classmethod
    def tearDownClass(cls):
        cls.host.stop()

    def assert_status(self, status, identity='CP-1', **how):
        got, headers = self.host.status(identity, **how)
        self.assertEqual(got, status, (identity, how))
        self.assertEqual(headers['connection'].split(',')[0], 'close')
        self.assertEqual(headers['content-length'], '0')
        return headers

    def test_a_right_key_is_let_in_and_the_subprotocol_is_named_once(self):
        with self.host.connect() as wire:
            self.assertEqual(wire.headers['sec-websocket-protocol'], 'ocpp1.6')
            self.assertNotIn('sec-websocket-extensions', wire.headers)
            self.assertEqual(wire.echo('hello'), 'hello')

    def test_identities_are_decoded_once_after_the_path_is_split(self):
        for path, identity in (('/ocpp/RDAM%20123', 'RDAM 123'), ('/ocpp/A%2FB', 'A/B'),
                               ('/ocpp/A%2fB', 'A/B'), ('/ocpp/DE*ABC*E1:2', 'DE*ABC*E1:2'),
                               ('/ocpp/DE%2AABC%2AE1%3A2', 'DE*ABC*E1:2'),
                               ('/ocpp/S%C3%A4ule-7', 'S\u00e4ule-7'), ('/ocpp/CP-1/', 'CP-1'),
                               ('/ocpp//CP-1', 'CP-1'), ('//ocpp/CP-1', 'CP-1'),
                               ('/ocpp/%43P-1', 'CP-1'), ('/ocpp/CP-1?x=/ocpp/CP-2', 'CP-1')):
            with self.host.connect(identity, path=path) as wire:
                self.assertEqual(wire.echo(path), path)

    def test_paths_that_are_no_identity_are_refused(self):
        for path, status in (('/ocpp', 404), ('/ocpp/', 404), ('/ocpp/A/B', 404), ('/', 404),
                             ('/ocppx/CP-1', 404), ('/x/ocpp/CP-1', 404), ('/OCPP/CP-1', 404),
                             ('/ocpp/%00', 400), ('/ocpp/CP-1%00', 400), ('/ocpp/CP%2', 400),
                             ('/ocpp/%', 400), ('/ocpp/%zz', 400), ('/ocpp/%C3%28', 400),
                             ('/ocpp/%ED%A0%80', 400), ('/ocpp/%0A', 400), ('/ocpp/%7F', 400),
                             ('/ocpp/..', 400), ('/ocpp/%2e%2e', 400), ('/ocpp/a/../CP-1', 404),
                             ('/ocpp/' + 'a' * 65, 400), ('/admin/CP-1', 404)):
            self.assert_status(status, 'CP-1', path=path)

    def test_plus_is_a_plus(self):
        self.assert_status(401, 'RDAM 123', path='/ocpp/RDAM+123')

    def test_64_bytes_of_identity_are_looked_up(self):
        self.assert_status(401, 'a' * 64)

    def test_case_is_ignored_only_where_one_station_matches(self):
        with self.host.connect('cp-1') as wire:
            self.assertEqual(wire.echo('x'), 'x')
        with self.host.connect('twin'), self.host.connect('TWIN'):
            pass
        self.assert_status(401, 'Twin')

    def test_the_subprotocol_is_found_in_any_list(self):
        for protocols in (['ocpp1.6'], ['ocpp2.0.1, ocpp1.6'], ['ocpp1.6,ocpp2.0.1'],
                          ['ocpp2.0.1', 'ocpp1.6'], ['ocpp1.6', 'ocpp2.0.1'],
                          ['ocpp2.0.1 ,  ocpp1.6 , x'], ['ocpp1.2,ocpp1.5,ocpp1.6,ocpp2.0']):
            with self.host.connect(protocols=protocols) as wire:
                self.assertEqual(wire.headers['sec-websocket-protocol'], 'ocpp1.6')

    def test_a_wrong_or_missing_subprotocol_is_refused_before_the_upgrade(self):
        for protocols in ([], ['ocpp2.0.1'], ['ocpp0.1'], ['OCPP1.6'], ['ocpp1.60'], ['ocpp1'],
                          ['ocpp2.0.1', 'xocpp1.6'], ['ocpp 1.6'], ['']):
            self.assert_status(400, protocols=protocols)

    def test_a_quirk_assumes_the_subprotocol_and_names_none(self):
        for protocols in ([], ['ocpp2.0.1'], ['']):
            with self.host.connect('Quirk', protocols=protocols) as wire:
                self.assertNotIn('sec-websocket-protocol', wire.headers)
                self.assertEqual(wire.echo('x'), 'x')
        with self.host.connect('Quirk') as wire:
            self.assertEqual(wire.headers['sec-websocket-protocol'], 'ocpp1.6')

    def test_keys_of_16_to_20_bytes_in_bytes_or_hex(self):
        for key in (KEY, KEY.hex().encode(), KEY.hex().upper().encode(), b'sixteen-chars-ok',
                    b'sixteen-chars-ok'.hex().encode()):
            with self.host.connect(auth=basic('CP-1', key)) as wire:
                self.assertEqual(wire.echo('x'), 'x')

    def test_wrong_keys_are_refused(self):
        for key in (b'', KEY[:15], KEY[:16], KEY[:19], KEY + b'x', KEY.hex().encode()[:-1],
                    KEY.hex().encode() + b'0', b'x' * 20, b'\0' * 20, b'\0' * 16,
                    b'sixteen-chars-o', b'sixteen-chars-OK', b'x' * 1000):
            self.assert_status(401, auth=basic('CP-1', key))

    def test_malformed_credentials_are_refused(self):
        good = base64.b64encode(b'CP-1:' + KEY).decode()
        for auth in (None, 'Basic', 'Basic ', 'Basic !!!!', 'Bearer ' + good, 'Basic' + good,
                     'Basic ' + good[:-1] + '!', 'Basic ' + good + 'A', 'Basic ' + good * 2,
                     'Basic ' + base64.b64encode(b'CP-1').decode(),
                     'Basic ' + base64.b64encode(b':' + KEY).decode(),
                     'Basic ' + base64.b64encode(b'CP-1' + KEY).decode(),
                     'Basic ' + 'A' * 3000, 'Basic ====', 'Digest x'):
            headers = self.assert_status(401, auth=auth)
            self.assertTrue(headers['www-authenticate'].startswith('Basic realm='))

    def test_base64_without_padding_is_taken(self):
        text = base64.b64encode(b'CP-1:' + KEY).decode()
        self.assertTrue(text.endswith('='))
        for auth in ('Basic ' + text.rstrip('='), 'basic ' + text, 'BASIC   ' + text):
            with self.host.connect(auth=auth) as wire:
                self.assertEqual(wire.echo('x'), 'x')

    def test_the_user_is_the_identity(self):
        for user in ('CP-2', 'CP', 'CP-11', '', 'CP-1:', 'RDAM 123'):
            self.assert_status(401, auth=basic(user))
        self.assert_status(401, 'A/B', auth=basic('A%2FB'))

    def test_an_unknown_identity_and_a_wrong_key_get_the_same_bytes(self):
        answers = {self.host.ask(upgrade(identity, auth=basic(identity, b'w' * 20)))
                   for identity in ('CP-1', 'nobody', 'Blocked')}
        answers.add(self.host.ask(upgrade('Blocked')))
        answers.add(self.host.ask(upgrade('Secure')))
        answers.add(self.host.ask(upgrade('Open')))
        answers.add(self.host.ask(upgrade('nobody', auth=None)))
        self.assertEqual(len(answers), 1)
        self.assertIn(b'401', answers.pop())
        wanted = {'wrong_key', 'unknown_identity', 'blocked', 'security_profile', 'no_credentials'}
        until(lambda: wanted <= set(self.host.refusals()), 'every reason')

    def test_a_refused_newcomer_has_no_effect_on_the_old_connection(self):
        with self.host.connect() as wire:
            before = wire.stats()
            self.assert_status(401, auth=basic('CP-1', b'w' * 20))
            self.assert_status(400, protocols=['ocpp2.0.1'])
            after = wire.stats()
        for name in ('connections', 'opened', 'closed'):
            self.assertEqual(before[name], after[name])

    def test_what_is_no_upgrade_to_websocket_is_refused(self):
        self.assert_status(426, version='8')
        self.assert_status(426, version=None)
        self.assertEqual(self.host.status(version='12')[1]['sec-websocket-version'], '13')
        self.assert_status(400, key='')
        self.assert_status(400, key='short')
        self.assert_status(400, key='A' * 24)
        self.assert_status(400, upgrade_to='h2c')
        self.assert_status(400, upgrade_to='foobar')
        self.assert_status(400, upgrade_to='websocket, h2c')
        self.assert_status(400, method='POST')

    def test_h2c_is_never_spoken(self):
        settings = base64.urlsafe_b64encode(b'\0\3\0\0\0\x64').decode().rstrip('=')
        for extra in ((), ('HTTP2-Settings: ' + settings,)):
            answer = self.host.ask(('\r\n'.join((
                'GET / HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings',
                'Upgrade: h2c') + extra) + '\r\n\r\n').encode())
            self.assertEqual(parse_head(answer)[0], 400)
        self.assertEqual(parse_head(self.host.ask(PRI))[0], 400)
        self.assertEqual(parse_head(self.host.ask(PRI + bytes(9) + os.urandom(400)))[0], 400)

    def test_foreign_upgrades_in_numbers_do_no_harm(self):
        for i in range(200):
            body = b'x' * (i * 37 % 500)
            answer = self.host.ask(b'GET /%d HTTP/1.1\r\nHost: x\r\nUpgrade: foobar%d\r\n'
                                   b'Connection: upgrade\r\n\r\n' % (i, i) + body)
            self.assertEqual(parse_head(answer)[0], 400)
        pipelined = upgrade(upgrade_to='foobar') + upgrade() + PRI
        self.assertEqual(parse_head(self.host.ask(pipelined))[0], 400)

    def test_garbage_is_answered_400_or_closed(self):
        host = b'Host: x\r\n'
        for raw in (b'GET /\r\n', b'GET / HTTP/0.9\r\n\r\n', b'GET http://x/ HTTP/1.1\r\n' + host,
                    b'GET / HTTP/1.1\r\n\r\n', b'GET / HTTP/1.1\n' + host + b'\n',
                    b'GET  / HTTP/1.1\r\n' + host, b'GET / HTTP/1.1 \r\n' + host,
                    b'GET / HTTP/2.0\r\n' + host, b'G\0T / HTTP/1.1\r\n' + host,
                    b'GET / HTTP/1.1\r\n' + host + b'Host: y\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'A : b\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b' folded\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'A: b\r\n c\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'A: b\x01\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'A: \x7f\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'nocolon\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b': empty\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'Content-Length: 5\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'Transfer-Encoding: chunked\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'Content-Length: 0\r\nTransfer-Encoding: x\r\n',
                    b'GET / HTTP/1.1\r\n' + host + b'X: y\r\n' * 100,
                    b'GET /a b HTTP/1.1\r\n' + host, b'GET /\x80\x00 HTTP/1.1\r\n' + host,
                    b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', b'\r\n\r\n', b' \r\n'):
            whole = raw if raw.endswith(b'\n\n') or raw.endswith(b'\r\n\r\n') else raw + b'\r\n'
            status, _ = parse_head(self.host.ask(whole))
            self.assertEqual(status, 400, raw)

    def test_headers_that_decide_may_come_once(self):
        for header in ('Sec-WebSocket-Key: ' + 'A' * 22 + '==', 'Sec-WebSocket-Version: 13',
                       'Upgrade: websocket', 'Authorization: ' + basic('CP-1'), 'Host: y'):
            self.assert_status(400, headers=[header])

    def test_a_missing_connection_header_and_many_others_are_tolerated(self):
        with self.host.socket() as s:
            raw = upgrade(headers=['X-%d: y' % i for i in range(50)])
            s.sendall(raw.replace(b'Connection: Upgrade\r\n', b''))
            self.assertIn(b' 101 ', s.recv(4096))
        with self.host.connect(headers=['Origin: http://elsewhere.example',
                                        'Sec-WebSocket-Extensions: permessage-deflate']) as wire:
            self.assertNotIn('sec-websocket-extensions', wire.headers)
            self.assertEqual(wire.echo('x'), 'x')

    def test_a_request_of_4096_bytes_passes_and_one_more_does_not(self):
        room = 4096 - len(upgrade(headers=['X: ']))
        with self.host.connect(headers=['X: ' + 'y' * room]) as wire:
            self.assertEqual(wire.echo('x'), 'x')
        self.assert_status(431, headers=['X: ' + 'y' * (room + 1)])
        self.assert_status(431, headers=['X: ' + 'y' * 100000])

    def test_a_request_may_come_byte_by_byte(self):
        with self.host.socket() as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in upgrade():
                s.sendall(bytes([byte]))
            self.assertIn(b' 101 ', s.recv(4096))

    def test_frames_right_behind_the_request_are_not_lost(self):
        for count in (1, 2, 20):
            rest = b''.join(frame(TEXT, 'early %d' % i) for i in range(count))
            with self.host.connect(rest=rest) as wire:
                self.assertEqual([wire.receive() for _ in range(count)],
                                 ['early %d' % i for i in range(count)])

    def test_the_database_away_is_503_with_a_spread_retry_after(self):
        with self.host.connect('CP-2') as wire:
            wire.send('!away')
            wire.echo('x')
            try:
                waits = {self.assert_status(503)['retry-after'] for _ in range(20)}
                self.assert_status(401, auth=basic('CP-1', b'w' * 20))
                self.assertEqual(self.page('/readyz')[0], 503)
            finally:
                wire.send('!back')
                wire.echo('x')
        self.assertGreater(len(waits), 5)
        self.assertTrue(all(5 <= int(wait) < 35 for wait in waits))

    def test_a_station_that_comes_too_often_is_503(self):
        self.assertGreaterEqual(int(self.assert_status(503, 'Often')['retry-after']), 60)

    def page(self, path, method=b'GET', version=b'1.1'):
        answer = self.host.ask(b'%s %s HTTP/%s\r\nHost: x\r\n\r\n' % (method, path.encode(), version))
        return parse_head(answer)[0], answer.partition(b'\r\n\r\n')[2].decode()

    def test_pages_are_a_closed_table(self):
        status, text = self.page('/')
        self.assertEqual(status, 200)
        for part in ('Joulebook test', '/ocpp/', '/metrics', '/healthz', '/readyz', '15 known'):
            self.assertIn(part, text)
        self.assertEqual(self.page('/healthz'), (200, 'ok\n'))
        self.assertEqual(self.page('/readyz'), (200, 'ready\n'))
        self.assertEqual(self.page('/healthz?x=1', version=b'1.0')[0], 200)
        self.assertEqual(self.page('/healthz', method=b'HEAD'), (200, ''))
        self.assertIn('csms_ws_refused_total', self.page('/metrics')[1])
        for path in ('/etc/passwd', '/metrics/', '/healthz/../x', '/%2e', '/' + 'x' * 500):
            self.assertEqual(self.page(path), (404, ''))
        self.assertEqual(self.page('/', method=b'POST')[0], 405)
        self.assertEqual(self.page('/ocpp/CP-1')[0], 426)


class Listeners(unittest.TestCase):
    def test_without_required_credentials_only_profile_0_needs_none(self):
        with Host('credentials=0') as host:
            with host.connect('Open', auth=None) as wire:
                self.assertEqual(wire.echo('x'), 'x')
            self.assertEqual(host.status('CP-1', auth=None)[0], 401)
            self.assertEqual(host.status('nobody', auth=None)[0], 404)
            self.assertEqual(host.status('Blocked', auth=None)[0], 404)
            with host.connect('CP-1') as wire:
                self.assertEqual(wire.echo('x'), 'x')

    def test_a_listener_serves_what_it_is_for(self):
        with Host('serve=8') as host:
            self.assertEqual(host.status('CP-1')[0], 404)
            self.assertIn(b' 200 ', host.ask(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'))
        with Host('serve=1') as host:
            self.assertIn(b' 404 ', host.ask(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'))
            self.assertIn(b' 404 ', host.ask(b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'))
            self.assertIn(b' 200 ', host.ask(b'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'))
            with host.connect() as wire:
                wire.send('!away')
                self.assertEqual(wire.echo('x'), 'x')
            ready = host.ask(b'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')
            self.assertIn(b' 503 ', ready)
            self.assertEqual(ready.partition(b'\r\n\r\n')[2], b'not ready\n')

    def test_wrong_keys_of_one_address_end_in_503_but_never_lock_out_the_right_one(self):
        with Host('failures=20') as host:
            got = [host.status(auth=basic('CP-1', os.urandom(20)))[0] for _ in range(30)]
            self.assertEqual(got[:20], [401] * 20)
            self.assertIn(503, got)
            self.assertEqual(set(got[21:]) - {401}, {503})
            self.assertEqual(host.status('nobody')[0], 503)
            with host.connect('CP-1') as wire:
                self.assertEqual(wire.echo('x'), 'x')

    def test_who_cannot_be_taken_over_is_told_to_come_again(self):
        with Host(program='POOR_HOST') as host:
            for _ in range(3): # and every one is forgotten
                status, headers = host.status('CP-1')
                self.assertEqual((status, headers['retry-after']), (503, '30'))
            self.assertEqual(host.refusals(3), ['full'] * 3)

    def test_a_smaller_head_holds_for_requests_that_have_begun(self):
        """What has come already may be more than is allowed from now on."""
        with Host('head_bytes=16384') as host, host.connect() as wire, host.socket() as s:
            s.sendall(b'GET / HTTP/1.1\r\nX: ' + b'x' * (4096 - 19))
            until(lambda: wire.stats()['half_open'] == 1, 'the request')
            self.assertEqual(wire.echo('read by now'), 'read by now')
            wire.send('!set head_bytes=512')
            self.assertEqual(wire.echo('in force'), 'in force')
            s.sendall(b'y' * 8192)
            self.assertEqual(parse_head(s.recv(4096))[0], 431)
            self.assertEqual(wire.echo('alive'), 'alive')

    def test_whoever_goes_on_after_a_refusal_is_cut(self):
        with Host() as host, host.socket() as s:
            s.sendall(b'GET / HTTP/9\r\n\r\n')
            self.assertEqual(parse_head(read_all(s))[0], 400)
            with self.assertRaises(ConnectionError):
                for _ in range(1000):
                    s.sendall(b'x' * 65536)

    def test_sigterm_refuses_the_new_and_closes_the_old_with_1001(self):
        host = Host()
        wires = [host.connect('CP-%d' % (1 + i % 2)) for i in range(20)]
        host.process.terminate()
        self.assertEqual([wire.closing() for wire in wires], [1001] * 20)
        with self.assertRaises(OSError):
            host.connect()
        for wire in wires:
            wire.socket.close()
        host.stop()
        self.assertIn('opened 20 closed 20', host.said)

    def test_sigterm_does_not_wait_for_the_deaf(self):
        host = Host()
        wire = host.connect(receive_buffer=4096)
        wire.send('!burst 60 10000')
        half_open = host.socket()
        self.assertEqual(host.stats()['half_open'], 1)
        host.stop()
        self.assertEqual(half_open.recv(1), b'')
        half_open.close()
        wire.socket.close()


if __name__ == '__main__':
    unittest.main()
