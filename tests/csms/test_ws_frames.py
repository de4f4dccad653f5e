"""What comes after the handshake: frames, pausing, closing, stale handles, liveness."""
import os
import struct
import time
import unittest

from wire import BINARY, CLOSE, CONT, PATIENCE_S, PING, PONG, TEXT, Closed, Host, frame, until


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host()

    @classmethod
    def tearDownClass(cls):
        cls.host.stop()

    def setUp(self):
        self.wire = self.host.connect()

    def tearDown(self):
        self.wire.socket.close()

    def assert_closed(self, code, *raw, counter=None):
        """The frames end the connection with this code (or with none, if code has None)."""
        before = self.host.stats()
        with self.host.connect() as wire:
            try:
                for piece in raw:
                    wire.raw(piece)
            except OSError:
                pass
            got = wire.closing()
        self.assertIn(got, code if isinstance(code, tuple) else (code,), raw[0][:20])
        if counter:
            self.assertEqual(self.host.stats()[counter], before[counter] + 1)

    def test_messages_of_every_size_come_back(self):
        for size in (0, 1, 125, 126, 127, 1000, 1023, 1024, 1025, 1026, 4096, 65535, 65536, 65537,
                     300000, 1048576):
            text = 'x' * size
            self.assertEqual(self.wire.echo(text), text)

    def test_a_message_in_fragments_with_a_ping_between(self):
        self.wire.raw(frame(TEXT, 'one ', final=False) + frame(PING, b'p') +
                      frame(CONT, 'two ', final=False) + frame(CONT, 'three'))
        got = [self.wire.frame(), self.wire.frame()]
        self.assertIn((PONG, b'p'), got)
        self.assertIn((TEXT, b'one two three'), got)

    def test_a_message_byte_by_byte(self):
        for byte in frame(TEXT, 'S\u00e4ule' * 50):
            self.wire.raw(bytes([byte]))
        self.assertEqual(self.wire.receive(), 'S\u00e4ule' * 50)

    def test_many_messages_in_one_segment_come_back_in_order(self):
        texts = ['%d' % i * (i % 7 + 1) for i in range(500)]
        self.wire.raw(b''.join(frame(TEXT, text) for text in texts))
        self.assertEqual([self.wire.receive() for _ in texts], texts)

    def test_64_fragments_pass_and_65_do_not(self):
        def message(n):
            return (frame(TEXT, 'x', final=False) + frame(CONT, 'x', final=False) * (n - 2) +
                    frame(CONT, 'x'))

        self.wire.raw(message(64))
        self.assertEqual(self.wire.receive(), 'x' * 64)
        self.wire.raw(message(64))
        self.assertEqual(self.wire.receive(), 'x' * 64)
        self.assert_closed(1008, message(65), counter='fragments')

    def test_a_flood_of_empty_fragments_is_closed(self):
        self.assert_closed((1008, None), frame(TEXT, b'', final=False) +
                           frame(CONT, b'', final=False) * 10000)
        self.assert_closed((1008, None), frame(TEXT, b'', final=False) +
                           frame(CONT, b'y', final=False) * 10000)

    def test_an_empty_message_is_a_message(self):
        self.assertEqual(self.wire.echo(''), '')
        self.wire.raw(frame(TEXT, b'', final=False) + frame(CONT, b''))
        self.assertEqual(self.wire.receive(), '')

    def test_a_message_of_1_mib_passes_and_one_byte_more_does_not(self):
        text = 'x' * (1 << 20)
        self.assertEqual(len(self.wire.echo(text)), len(text))
        self.assert_closed(1009, frame(TEXT, text + 'y'), counter='too_large')
        self.assert_closed(1009, frame(TEXT, text, final=False) + frame(CONT, 'y'),
                           counter='too_large')

    def test_whoever_sends_far_too_much_is_told_so_each_time(self):
        for size in (1_100_000, 3_000_000):
            for attempt in range(4):
                self.assert_closed(1009, frame(TEXT, 'x' * size), counter='too_large')

    def test_what_follows_a_message_that_is_too_large_is_not_read_for_ever(self):
        self.wire.raw(frame(TEXT, b'x', length=1 << 30))
        with self.assertRaises(OSError):
            for attempt in range(64):
                self.wire.raw(b'x' * (1 << 20))

    def test_a_claimed_length_is_refused_without_waiting_for_it_or_making_room(self):
        before = self.most_memory()
        for length in (1 << 30, 1 << 40, (1 << 63) - 1):
            self.assert_closed(1009, frame(TEXT, b'x', length=length), counter='too_large')
        self.assert_closed((1002, 1009, None), frame(TEXT, b'x', length=1 << 63))
        self.assert_closed((1002, 1009, None), frame(TEXT, b'x', length=(1 << 64) - 1))
        self.assertLess(self.most_memory() - before, 256 << 20)

    def most_memory(self):
        """The most address space that the host ever had; a claimed GiB would show, touched or not."""
        with open('/proc/%d/status' % self.host.process.pid) as status:
            return next(int(line.split()[1]) << 10 for line in status if line.startswith('VmPeak:'))

    def test_violations_of_the_framing_end_the_connection(self):
        for raw in (frame(TEXT, 'x', rsv=4), frame(TEXT, 'x', rsv=2), frame(TEXT, 'x', rsv=1),
                    *(frame(code, payload) for code in (*range(3, 8), *range(11, 16)) for payload in ('', 'x')),
                    frame(PING, 'x', final=False), frame(CLOSE, struct.pack('>H', 1000), final=False),
                    frame(CONT, 'x'), frame(CONT, 'x', final=False),
                    frame(TEXT, 'x', final=False) + frame(TEXT, 'y'),
                    frame(PING, b'x' * 126), frame(CLOSE, b'x' * 126)):
            self.assert_closed((1002, None), raw)

    def test_close_codes_that_no_peer_may_send_are_answered_1002(self):
        for payload in (struct.pack('>H', 999), struct.pack('>H', 1005), struct.pack('>H', 1006),
                        struct.pack('>H', 2999)):
            self.assert_closed((1002, None), frame(CLOSE, payload))
        self.assert_closed((1002, 1005, None, 0), frame(CLOSE, b'\x03'))

    def test_a_close_is_answered_with_its_code(self):
        for code in (1000, 1001, 3000, 4999):
            self.assert_closed(code, frame(CLOSE, struct.pack('>H', code)))
            stats = self.host.stats()
            self.assertEqual((stats['last_code'], stats['last_reason']), (code, 'closed by the pile'))
        self.assert_closed(1005, frame(CLOSE))

    def test_binary_is_1003(self):
        self.assert_closed(1003, frame(BINARY, b'x'), counter='binary')
        self.assert_closed(1003, frame(BINARY, b'', final=False), counter='binary')
        self.assert_closed((1003, None), frame(BINARY, b'x' * 5000))

    def test_bad_utf8_is_1007_and_a_character_may_be_split(self):
        for bad in (b'\xff', b'\xc3', b'\xc0\x80', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'a\x80',
                    b'\xe0\x80\x80', b'x' * 3000 + b'\xc3'):
            self.assert_closed((1007, None), frame(TEXT, bad))
        self.wire.raw(frame(TEXT, b'\xc3', final=False) + frame(CONT, b'\xa4'))
        self.assertEqual(self.wire.receive(), '\u00e4')
        self.assert_closed((1007, None), frame(TEXT, b'\xc3', final=False) + frame(CONT, b'('))

    def test_unmasked_frames_are_taken_and_corrupt_nothing(self):
        """A deviation from RFC 6455 that libwebsockets 4.1.6 leaves us no way to see."""
        for i in range(20):
            text = 'text %d ' % i * (i * 40)
            self.wire.raw(frame(TEXT, text, masked=bool(i % 2)))
            self.assertEqual(self.wire.receive(), text)
        self.wire.raw(frame(TEXT, 'a', final=False, masked=False) + frame(CONT, 'b') +
                      frame(TEXT, 'c', masked=False))
        self.assertEqual([self.wire.receive(), self.wire.receive()], ['ab', 'c'])

    def test_an_unmasked_length_of_zero_in_two_bytes_cannot_underflow(self):
        with self.host.connect() as wire:
            wire.raw(bytes([0x81, 126, 0, 0]) + b'x' * 100)
            self.assertIn(wire.closing(), (1002, 1009, None))
        self.assertEqual(self.wire.echo('x'), 'x')

    def test_random_bytes_do_no_harm(self):
        for _ in range(100):
            with self.host.connect() as wire:
                try:
                    wire.raw(os.urandom(400))
                    wire.socket.shutdown(1)
                    wire.closing()
                except OSError:
                    pass
        self.assertEqual(self.wire.echo('alive'), 'alive')

    def test_a_flood_of_pings_is_1008(self):
        for payload in (b'', b'x' * 125):
            self.assert_flood_is_cut(frame(PING, payload))

    def test_a_flood_of_pongs_is_1008(self):
        self.assert_flood_is_cut(frame(PONG, b'x'))

    def assert_flood_is_cut(self, raw):
        """The close frame is lost when the flood goes on and lws loses its place in it."""
        before = self.host.stats()
        until(lambda: self.wire.stats()['closed'] == before['closed'] + 1, 'the end of who asked')
        with self.host.connect() as wire:
            try:
                for _ in range(2000):
                    wire.raw(raw)
                    time.sleep(0.0002)
            except OSError:
                pass
            self.assertIn(wire.closing(), (1008, None))
        until(lambda: self.wire.stats()['closed'] == before['closed'] + 2, 'the close')
        self.assertEqual(self.wire.stats()['control'], before['control'] + 1)

    def test_a_ping_a_second_is_no_flood(self):
        for _ in range(20):
            self.wire.raw(frame(PING, b'p'))
            self.assertEqual(self.wire.frame(), (PONG, b'p'))

    def test_we_close_with_code_and_reason(self):
        for code in (1000, 1001, 1008, 1011, 1012, 4001):
            with self.host.connect() as wire:
                wire.send('!close %d because of %d' % (code, code))
                with self.assertRaises(Closed) as closed:
                    wire.receive()
                self.assertEqual((closed.exception.code, closed.exception.reason),
                                 (code, b'because of %d' % code))
        with self.host.connect() as wire:
            wire.send('!close 1000 ' + 'r' * 200)
            with self.assertRaises(Closed) as closed:
                wire.receive()
            self.assertEqual((closed.exception.code, closed.exception.reason), (1000, b'r' * 123))
        with self.host.connect() as wire:
            wire.raw(frame(TEXT, '!close 1000 ' + 'r' * 100) + frame(TEXT, 'never echoed'))
            with self.assertRaises(Closed) as closed:
                wire.receive()

    def test_what_was_sent_before_a_close_leaves_first(self):
        with self.host.connect() as wire:
            wire.raw(frame(TEXT, '!burst 40 20000') + frame(TEXT, '!close 1000 done'))
            got = []
            with self.assertRaises(Closed) as closed:
                while True:
                    got.append(len(wire.receive()))
            self.assertEqual((got, closed.exception.code), ([20000] * 40, 1000))

    def test_bursts_arrive_whole_and_in_order(self):
        self.wire.send('!burst 12 80000')
        for _ in range(12):
            self.assertEqual(self.wire.receive(), 'x' * 80000)
        self.assertEqual(self.wire.echo('after'), 'after')

    def test_a_reader_that_does_not_read_is_cut(self):
        before = self.host.stats()
        with self.host.connect(receive_buffer=4096) as wire:
            wire.send('!burst 200 100000')
            until(lambda: self.wire.stats()['last_reason'] == 'does not read', 'the cut')
            self.assertEqual(self.wire.stats()['slow'], before['slow'] + 1)
        self.assertEqual(self.wire.echo('x'), 'x')

    def test_the_owner_of_one_that_does_not_read_knows_at_once_and_the_socket_goes(self):
        before = self.wire.stats()
        with self.host.connect(receive_buffer=4096) as slow:
            slow.socket.settimeout(1)
            with self.assertRaises(OSError):
                for _ in range(100000):
                    slow.send('x' * 200)
            until(lambda: self.wire.stats()['slow'] > before['slow'], 'the cut')
            began = time.monotonic()
            self.assertEqual(self.wire.stats()['closed'], before['closed'] + 1)
            until(lambda: self.wire.stats()['connections'] == before['connections'], 'its end')
            self.assertLess(time.monotonic() - began, 2)
            # What it was sent before is in its own socket; the end of it never comes.
            slow.socket.settimeout(PATIENCE_S)
            with self.assertRaises(Closed):
                while True:
                    slow.frame()
            self.assertEqual(self.wire.stats()['closed'], before['closed'] + 1)

    def test_the_owner_knows_of_an_end_before_the_peer_has_read_why(self):
        for raw, code in ((frame(TEXT, b'x', length=1 << 30), 1009),
                          (frame(TEXT, '!close 1012 restart'), 1012)):
            before = self.wire.stats()
            with self.host.connect() as peer:
                peer.raw(raw)
                self.assertEqual(peer.frame()[0], CLOSE)
                during = self.wire.stats()
                self.assertEqual((during['last_code'], during['closed'] - before['closed'],
                                  during['connections'] - before['connections']), (code, 1, 1))
            until(lambda: self.wire.stats()['connections'] == before['connections'], 'the end')
            self.assertEqual(self.wire.stats()['closed'], before['closed'] + 1)

    def test_nothing_comes_while_paused_and_nothing_is_lost(self):
        for count in (1, 2, 3, 50):
            texts = ['%d' % i * 200 for i in range(count)]
            started = time.monotonic()
            self.wire.raw(frame(TEXT, '!pause 150') + b''.join(frame(TEXT, t) for t in texts))
            self.assertEqual([self.wire.receive() for _ in texts], texts)
            self.assertGreater(time.monotonic() - started, 0.14)

    def test_a_paused_pile_may_send_a_large_message_and_more_later(self):
        self.wire.send('!pause 200')
        text = 'y' * 500000
        self.wire.raw(frame(TEXT, 'first') + frame(TEXT, text) + frame(TEXT, 'last'))
        self.assertEqual([self.wire.receive(), self.wire.receive(), self.wire.receive()],
                         ['first', text, 'last'])

    def test_a_paused_connection_may_die(self):
        with self.host.connect() as wire:
            wire.raw(frame(TEXT, '!pause 100') + frame(TEXT, 'never') * 10)
        time.sleep(0.3)
        self.assertEqual(self.wire.echo('x'), 'x')

    def test_a_handle_of_an_earlier_life_reaches_nobody(self):
        self.wire.send('!old')
        self.assertEqual(self.wire.echo('still here'), 'still here')

    def test_connections_that_come_and_go_leave_nothing(self):
        for i in range(300):
            with self.host.connect() as wire:
                if i % 3 == 0:
                    wire.echo('x')
                elif i % 3 == 1:
                    wire.raw(frame(TEXT, 'x' * 5000)[:3000])
        until(lambda: self.wire.stats()['connections'] == 1, 'the end of the last')
        self.assertEqual(self.wire.stats()['half_open'], 0)


class Timers(unittest.TestCase):
    def test_a_message_that_stalls_is_cut(self):
        with Host('stall_ms=300') as host:
            for raw in (frame(TEXT, 'x' * 5000)[:3000], frame(TEXT, 'x', final=False)):
                with host.connect() as wire:
                    started = time.monotonic()
                    wire.raw(raw)
                    self.assertEqual(wire.closing(), 1008)
                    self.assertGreater(time.monotonic() - started, 0.29)
            self.assertEqual(host.stats()['stalled'], 2)

    def test_a_message_that_goes_on_may_take_longer_than_a_stall(self):
        with Host('stall_ms=2000') as host, host.connect() as wire:
            whole = frame(TEXT, 'x' * 5000)
            for i in range(0, len(whole), 1000):
                wire.raw(whole[i:i + 1000])
                time.sleep(0.5)
            self.assertEqual(len(wire.receive()), 5000)
            wire.raw(frame(TEXT, 'x', final=False))
            time.sleep(0.1)
            wire.raw(frame(CONT, 'y'))
            self.assertEqual(wire.receive(), 'xy')
            time.sleep(2.2)
            self.assertEqual(wire.echo('idle is no stall'), 'idle is no stall')

    def test_the_quiet_are_pinged_and_the_dead_are_cut(self):
        with Host('ping_ms=300', 'dead_ms=600') as host:
            started = time.monotonic()
            with host.connect() as wire:
                self.assertEqual(wire.frame()[0], PING)
                self.assertGreater(time.monotonic() - started, 0.29)
                self.assertIsNone(wire.closing_silently())
                self.assertGreater(time.monotonic() - started, 0.59)
            self.assertEqual(host.stats()['silent'], 1)

    def test_whoever_answers_or_speaks_lives(self):
        with Host('ping_ms=400', 'dead_ms=2400') as host, host.connect() as wire, \
                host.connect('CP-2') as talker:
            for _ in range(8):
                opcode, payload = wire.frame()
                self.assertEqual(opcode, PING)
                wire.raw(frame(PONG, payload))
                self.assertEqual(talker.echo('x'), 'x')
            self.assertEqual(wire.echo('x'), 'x')

    def test_pings_can_be_switched_off_or_set_for_one_pile(self):
        with Host('ping_ms=200', 'dead_ms=400') as host, host.connect('Mute') as mute:
            time.sleep(1)
            mute.socket.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                mute.frame()
            mute.socket.settimeout(PATIENCE_S)
            self.assertEqual(mute.echo('x'), 'x')
        with Host('ping_ms=0', 'dead_ms=0') as host, host.connect('Eager') as eager:
            self.assertEqual(eager.frame()[0], PING)

    def test_new_times_for_pings_hold_for_whoever_is_there(self):
        with Host('ping_ms=0', 'dead_ms=0') as host, host.connect() as quiet, \
                host.connect('CP-2') as other:
            other.send('!set dead_ms=60000')
            other.send('!set ping_ms=300')
            self.assertEqual(quiet.frame()[0], PING)
            other.send('!set ping_ms=0')
            self.assertEqual(other.echo('x'), 'x')
            quiet.socket.settimeout(1)
            with self.assertRaises(TimeoutError):
                while quiet.frame()[0] == PING:
                    quiet.raw(frame(PONG, b'ping'))
            quiet.socket.settimeout(PATIENCE_S)
            other.send('!set dead_ms=600')
            other.send('!set ping_ms=300')
            self.assertIsNone(quiet.closing_silently())

    def test_a_flood_that_the_library_hides_is_found(self):
        """Empty pongs are told to nobody; the socket's own counter gives them away."""
        with Host('ping_ms=300', 'dead_ms=5000') as host, host.connect() as wire:
            raw, end = frame(PONG) * 20000, time.monotonic() + PATIENCE_S
            try:
                while time.monotonic() < end:
                    wire.raw(raw)
            except OSError:
                pass
            wire.closing_silently()
            stats = host.stats()
            self.assertEqual((stats['control'], stats['silent']), (1, 0))


if __name__ == '__main__':
    unittest.main()
