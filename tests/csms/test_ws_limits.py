"""Limits of number, address and time, each reached and passed by one, and the metrics page
through promtool."""
import itertools
import os
import select
import shutil
import socket
import subprocess
import threading
import time
import unittest

from wire import TEXT, Host, frame, parse_head, until, upgrade


def descriptors(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


def cpu_seconds(pid):
    with open('/proc/%d/stat' % pid) as f:
        fields = f.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Limits(unittest.TestCase):
    def test_the_last_slot_is_given_and_the_next_one_is_told_to_wait(self):
        with Host('connections=20') as host:
            wires = [host.connect('CP-1') for _ in range(20)]
            status, headers = host.status('CP-2')
            self.assertEqual((status, headers['retry-after']), (503, '30'))
            self.assertEqual(host.status('nobody')[0], 401)
            wires.pop().socket.close()
            wires.append(host.connect_at_last('CP-2'))
            self.assertEqual(wires[-1].stats()['connections'], 20)
            for wire in wires:
                wire.socket.close()

    def test_5000_that_say_nothing_stay_bounded_and_keep_nobody_out(self):
        with Host('half_open=500', 'handshake_ms=300000') as host:
            silent = []
            for i in range(5000):
                s = socket.socket()
                s.connect(('127.0.0.1', host.port))
                silent.append(s)
                if i % 1000 == 999:
                    with host.connect('CP-1') as wire:
                        stats = wire.stats()
                        self.assertLessEqual(stats['half_open'], 500)
                        self.assertLess(descriptors(host.process.pid), 600)
            self.assertGreaterEqual(stats['evicted'], 4400)
            self.assertEqual(stats['too_slow'], 0)
            for s in silent:
                s.close()

    def test_those_that_say_nothing_are_closed_in_time(self):
        with Host('handshake_ms=500') as host, host.connect('CP-1') as wire:
            silent = [host.socket() for _ in range(300)]
            for s in silent:
                self.assertEqual(s.recv(1), b'')
                s.close()
            stats = wire.stats()
            self.assertEqual((stats['half_open'], stats['too_slow']), (0, 300))

    def test_a_slow_request_is_closed_in_time_however_it_drips(self):
        with Host('handshake_ms=600') as host, host.socket() as s, host.socket() as quiet:
            request, started = upgrade(), time.monotonic()
            answer = b''
            try:
                for byte in request:
                    s.sendall(bytes([byte]))
                    time.sleep(0.1)
            except OSError:
                pass
            try:
                answer = s.recv(4096)
            except OSError:
                pass
            self.assertLess(time.monotonic() - started, 0.1 * len(request))
            self.assertIn(parse_head(answer)[0], (408, 0))
            self.assertEqual(quiet.recv(1), b'')
            self.assertIn('too_slow', host.refusals())

    def test_half_open_sockets_of_one_address_are_counted(self):
        with Host('half_open_per_address=5', 'spare_loopback=0') as host:
            held = [host.socket() for _ in range(5)]
            self.assertEqual(host.status('CP-1')[0], 503)
            held.pop().close()
            with host.connect_at_last('CP-1') as wire:
                self.assertGreaterEqual(wire.stats()['address'], 1)
            for s in held:
                s.close()

    def test_connections_of_one_address_are_counted(self):
        with Host('connections_per_address=3', 'spare_loopback=0') as host:
            wires = [host.connect('CP-%d' % (1 + i % 2)) for i in range(3)]
            self.assertEqual(host.status('CP-1')[0], 503)
            wires.pop().socket.close()
            wires.append(host.connect_at_last('CP-1'))
            for wire in wires:
                wire.socket.close()

    def test_new_sockets_of_one_address_have_a_rate(self):
        with Host('accepts_per_minute=20', 'accepts_burst=10', 'spare_loopback=0') as host:
            started = time.monotonic()
            got = [host.status('nobody')[0] for _ in range(15)]
            refilled = int((time.monotonic() - started) / 3) + 1
            self.assertEqual(got[:10], [401] * 10)
            self.assertLessEqual(got.count(401), 10 + refilled)
            if refilled < 5:
                self.assertIn(503, got)
            until(lambda: host.status('nobody')[0] == 401, 'a fresh token')

    def test_this_machine_is_spared_for_a_proxy(self):
        with Host('half_open_per_address=1', 'connections_per_address=1',
                  'accepts_burst=1') as host:
            wires = [host.connect('CP-1') for _ in range(10)]
            for wire in wires:
                wire.socket.close()

    def test_new_sockets_of_all_addresses_wait_in_the_backlog(self):
        with Host('accepts_per_s=50', 'connections=200') as host:
            started = time.monotonic()
            wires = [host.connect('CP-1') for _ in range(60)]
            self.assertGreater(time.monotonic() - started, 0.8)
            for wire in wires:
                wire.socket.close()

    def test_without_descriptors_accepting_rests_and_the_loop_does_not_spin(self):
        prefix = ('/bin/sh', '-c', 'ulimit -n 64 && exec "$0" "$@"')
        with Host('handshake_ms=3000', prefix=prefix) as host:
            first = host.connect('CP-1')
            crowd = [socket.create_connection(('127.0.0.1', host.port)) for _ in range(100)]
            until(lambda: first.stats()['accept_paused'], 'the lack of descriptors')
            before = cpu_seconds(host.process.pid)
            time.sleep(1)
            self.assertLess(cpu_seconds(host.process.pid) - before, 0.4)
            self.assertEqual(first.echo('still served'), 'still served')
            until(lambda: 'starved' in host.said, 'the word for it')
            for s in crowd:
                s.close()
            with host.connect_at_last('CP-2') as wire:
                self.assertEqual(wire.echo('again'), 'again')
            first.socket.close()

    def test_large_messages_share_their_memory_and_all_arrive(self):
        """Room for two at once: the others wait, also while holding half a message."""
        def send_and_receive(i):
            for start in range(0, len(whole[i]), 50000):
                wires[i].raw(whole[i][start:start + 50000])
                time.sleep(0.02)
            got[i] = wires[i].receive()

        with Host('message_bytes=400000', 'large_bytes=800000') as host:
            wires = [host.connect('CP-1') for _ in range(8)]
            whole = [frame(TEXT, chr(97 + i) * 300000) for i in range(8)]
            got = [None] * 8
            threads = [threading.Thread(target=send_and_receive, args=(i,)) for i in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(got, [chr(97 + i) * 300000 for i in range(8)])
            stats = wires[0].stats()
            self.assertEqual((stats['stalled'], stats['too_large']), (0, 0))
            for wire in wires:
                wire.socket.close()

    def test_a_message_above_16_kib_counts_as_large(self):
        with Host('message_bytes=400000', 'large_bytes=400000') as host:
            with host.connect('CP-1') as slow, host.connect('CP-2') as other:
                whole = frame(TEXT, 's' * 16385)
                slow.raw(whole[:-1])
                for _ in range(20):
                    self.assertEqual(other.echo('x' * 16384), 'x' * 16384)
                other.send('x' * 16385)
                self.assertFalse(select.select([other.socket], [], [], 0.5)[0])
                slow.raw(whole[-1:])
                self.assertEqual(slow.receive(), 's' * 16385)
                self.assertEqual(other.receive(), 'x' * 16385)

    def test_messages_of_which_little_is_announced_leave_room_for_others(self):
        """Of 64 that trickle each holds what it has announced, not a whole message's worth."""
        with Host('message_bytes=400000', 'large_bytes=3200000') as host:
            slow = [host.connect('CP-1') for _ in range(64)]
            whole = frame(TEXT, 's' * 17000)
            for wire in slow:
                wire.raw(whole[:-1])
            with host.connect('CP-2') as other:
                self.assertEqual(len(other.echo('x' * 300000)), 300000)
            for wire in slow:
                wire.raw(whole[-1:])
                self.assertEqual(wire.receive(), 's' * 17000)
                wire.socket.close()

    def test_shares_that_grow_do_not_wait_for_each_other_for_ever(self):
        """Each of 12 comes in frames, and tells only then that more is to come."""
        def send(i):
            for k in range(12):
                wires[i].raw(frame(0 if k else TEXT, chr(97 + i) * 30000, final=k == 11))
                started.wait()
            got[i] = wires[i].receive()

        with Host('message_bytes=400000', 'large_bytes=800000') as host:
            wires, got = [host.connect('CP-1') for _ in range(12)], [None] * 12
            started = threading.Barrier(13)
            threads = [threading.Thread(target=send, args=(i,)) for i in range(12)]
            for thread in threads:
                thread.start()
            for _ in range(12): # frame by frame, all of them at once
                started.wait()
                time.sleep(0.05)
            for thread in threads:
                thread.join()
            self.assertEqual(got, [chr(97 + i) * 360000 for i in range(12)])
            self.assertEqual(wires[0].stats()['stalled'], 0)
            for wire in wires:
                wire.socket.close()

    def test_a_message_has_a_time_in_all_however_it_trickles(self):
        with Host('message_ms=1500', 'stall_ms=1000', 'message_bytes=400000',
                  'large_bytes=400000') as host:
            with host.connect('CP-1') as slow, host.connect('CP-2') as other:
                whole, began = frame(TEXT, 's' * 300000), time.monotonic()
                slow.raw(whole[:20000])
                other.send('o' * 300000)
                with self.assertRaises(OSError):
                    for at in range(20000, 20000 + 600):
                        slow.raw(whole[at:at + 1])
                        if select.select([slow.socket], [], [], 0.1)[0]:
                            raise ConnectionError
                self.assertEqual(slow.closing(), 1008)
                self.assertGreater(time.monotonic() - began, 1.49)
                # The other has waited as long, and has its time yet.
                self.assertEqual(len(other.receive()), 300000)
                stats = other.stats()
                self.assertEqual((stats['stalled'], stats['last_reason']), (1, 'message too slow'))

    def test_a_held_message_keeps_its_room_until_it_is_passed_on(self):
        with Host('message_bytes=400000', 'large_bytes=400000') as host:
            with host.connect('CP-1') as paused, host.connect('CP-2') as other:
                started = time.monotonic()
                paused.raw(frame(TEXT, '!pause 1500') + frame(TEXT, 'p' * 300000))
                for _ in range(2): # a turn of the loop later it has the room
                    self.assertEqual(other.echo('small'), 'small')
                other.send('o' * 300000)
                self.assertEqual(len(other.receive()), 300000)
                self.assertGreaterEqual(time.monotonic() - started, 1.49)
                self.assertEqual(len(paused.receive()), 300000)

    def test_what_the_owner_has_no_room_for_waits_in_order_and_small_messages_do_not(self):
        with Host() as host:
            wires = [host.connect('CP-1') for _ in range(4)]
            began = time.monotonic()
            wires[0].raw(frame(TEXT, '!full 4000'))
            for i, wire in enumerate(wires[:3]):
                wire.raw(frame(TEXT, chr(97 + i) * 300000) + frame(TEXT, 'after'))
            wires[1].socket.close()
            for _ in range(20):
                self.assertEqual(wires[3].echo('small'), 'small')
            self.assertLess(time.monotonic() - began, 3.9)
            for i in (0, 2):
                self.assertEqual(wires[i].receive(), chr(97 + i) * 300000)
                self.assertGreater(time.monotonic() - began, 3.9)
                self.assertEqual(wires[i].receive(), 'after')
            for i in (0, 2, 3):
                wires[i].socket.close()

    def test_whoever_waits_for_room_may_die_and_the_rest_go_on(self):
        with Host('message_bytes=400000', 'large_bytes=400000', 'stall_ms=2000') as host:
            wires = [host.connect('CP-1') for _ in range(5)]
            for i, wire in enumerate(wires):
                wire.raw(frame(TEXT, chr(97 + i) * 300000)[:80000])
                time.sleep(0.02)
            wires[2].socket.close()
            wires[3].raw(frame(TEXT, 'd' * 300000)[80000:])
            # The first holds the room and stalls; then the waiting ones get it in turn.
            self.assertEqual(wires[0].closing(), 1008)
            self.assertEqual(wires[1].closing(), 1008)
            with host.connect('CP-2') as wire:
                self.assertEqual(wire.echo('x' * 70000), 'x' * 70000)
            for wire in wires:
                wire.socket.close()

    def test_whoever_waits_for_a_share_and_for_the_owner_is_passed_on_before_its_turn(self):
        """Of whom the small message found room first, nothing is waited for when its turn comes."""
        with Host('message_bytes=400000', 'large_bytes=800000') as host:
            order, dying, first, both = (host.connect('CP-1') for _ in range(4))
            asked = itertools.count(1)
            order.send('!room 5000')
            self.assertEqual(order.echo('small'), 'small')
            dying.raw(frame(TEXT, 'd' * 300000)[:200000])
            first.send('f' * 300000)
            until(lambda: order.stats()['in'] - next(asked) >= 3, 'the first message')
            whole = frame(TEXT, 'b' * 300000)
            both.raw(frame(TEXT, 's' * 10000) + whole[:100000])
            until(lambda: order.stats()['in'] - next(asked) >= 4, 'the small message')
            for _ in range(20):
                self.assertEqual(order.echo('small'), 'small')
            order.send('!room 20000')
            self.assertEqual(order.echo('small'), 'small')
            dying.socket.close()
            self.assertEqual(both.receive(), 's' * 10000)
            order.send('!room 400000')
            self.assertEqual(first.receive(), 'f' * 300000)
            both.raw(whole[100000:])
            self.assertEqual(both.receive(), 'b' * 300000)
            for wire in (order, first, both):
                wire.socket.close()

    def test_a_message_that_memory_is_short_for_is_no_large_one(self):
        with Host(program='POOR_HOST', prefix=('env', 'POOR=queue')) as host:
            with host.connect('CP-1') as wire:
                wire.raw(frame(TEXT, '!pause 60000') + frame(TEXT, 'to be kept'))
                self.assertEqual(wire.closing(), 1011)
            stats = host.stats()
            self.assertEqual((stats['no_memory'], stats['too_large']), (1, 0))

    def test_a_storm_of_2000_is_let_in(self):
        with Host('connections=2100', 'stations=2000') as host:
            sockets = []
            for i in range(2000):
                s = socket.create_connection(('127.0.0.1', host.port))
                s.sendall(upgrade('X-%d' % i))
                sockets.append(s)
            for s in sockets:
                s.settimeout(120)
                self.assertIn(b' 101 ', s.recv(4096))
            with host.connect('CP-1') as wire:
                self.assertEqual(wire.stats()['connections'], 2001)
            for s in sockets:
                s.close()

    def test_a_setting_that_lets_less_through_holds_for_messages_and_fragments(self):
        with Host('message_bytes=2000', 'fragments=3', 'send_messages=2', 'control_burst=5') as host:
            with host.connect() as wire:
                self.assertEqual(wire.echo('x' * 2000), 'x' * 2000)
                wire.send('x' * 2001)
                self.assertEqual(wire.closing(), 1009)
            with host.connect() as wire:
                wire.raw(frame(TEXT, 'a', final=False) + frame(0, 'b', final=False) + frame(0, 'c'))
                self.assertEqual(wire.receive(), 'abc')
                wire.raw(frame(TEXT, 'a', final=False) + frame(0, 'b', final=False) * 3)
                self.assertEqual(wire.closing(), 1008)


class Metrics(unittest.TestCase):
    def test_promtool_finds_nothing_to_say_about_the_real_page(self):
        promtool = shutil.which('promtool')
        self.assertTrue(promtool, 'promtool is missing: install the package prometheus')
        with Host() as host:
            for how in ({'auth': None}, {'path': '/x'}, {'protocols': []}):
                host.status('CP-1', **how)
            page = host.ask(b'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n').partition(b'\r\n\r\n')[2]
        for line in (b'csms_ws_refused_total{reason="no_credentials"} 1',
                     b'csms_ws_refused_total{reason="path"} 1',
                     b'csms_ws_refused_total{reason="subprotocol"} 1'):
            self.assertIn(line, page)
        run = subprocess.run([promtool, 'check', 'metrics'], input=page, capture_output=True)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, b'', b''))


if __name__ == '__main__':
    unittest.main()
