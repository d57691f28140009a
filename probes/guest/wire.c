// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two ends of the network between client and device. A socket stays in the namespace it was
 * made in (network_namespaces(7)), so the thread that makes it need not.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"

/* What a datagram takes of a socket's buffer, which doubles what it is told (socket(7)). */
#define MESSAGE_ROOM 1024
#define ROOM_MAX     (256 << 20)

static int check(const char *what, int answer)
{
	if (answer < 0)
		fail(STATUS_FAILURE,
		     "%s failed: %s; look at the addresses and routes of --netns and --address",
		     what, strerror(errno));
	return answer;
}

static void enter(int namespace)
{
	if (namespace >= 0)
		check("entering the network namespace", setns(namespace, CLONE_NEWNET));
}

/*
 * Room for every message to wait: a guest that lags is to be late, not to lose. Without the right to
 * it (CAP_NET_ADMIN) the system's limit is what there is.
 */
static void make_room(int fd, uint64_t count)
{
	int bytes = count < ROOM_MAX / MESSAGE_ROOM ? count * MESSAGE_ROOM : ROOM_MAX;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int make_socket(int type, uint64_t count)
{
	int on = 1;
	int fd = check("a socket", socket(AF_INET, type | SOCK_CLOEXEC, 0));

	make_room(fd, count);
	if (type == SOCK_STREAM)
		check("TCP_NODELAY", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	return fd;
}

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in name;
	socklen_t bytes = sizeof(name);

	check("getsockname", getsockname(fd, (struct sockaddr *)&name, &bytes));
	return name;
}

static void join(int fd, struct sockaddr_in name)
{
	check("connecting client and device",
	      connect(fd, (const struct sockaddr *)&name, sizeof(name)));
}

/* The client's end alone: the other is a VM's own. */
static struct wire reach(const struct options *options)
{
	int home = check("/proc/self/ns/net", open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_addr = options->address,
		.sin_port = htons(options->remote_port),
	};
	struct wire wire = {.device = -1};

	enter(options->namespaces[0]);
	wire.client = make_socket(options->tcp ? SOCK_STREAM : SOCK_DGRAM, options->count);
	join(wire.client, name);
	enter(home);
	close(home);
	return wire;
}

static struct wire connect_both(const struct options *options)
{
	int type = options->tcp ? SOCK_STREAM : SOCK_DGRAM;
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = options->address};
	int home = check("/proc/self/ns/net", open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
	struct wire wire;
	int listener;

	enter(options->namespaces[1]);
	wire.device = make_socket(type, options->count);
	check("binding the device's address",
	      bind(wire.device, (const struct sockaddr *)&name, sizeof(name)));
	if (options->tcp)
		check("listening", listen(wire.device, 1));

	enter(options->namespaces[0]);
	wire.client = make_socket(type, options->count);
	join(wire.client, name_of(wire.device));

	if (options->tcp) {
		listener = wire.device;
		wire.device = check("accepting", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
		close(listener);
	} else {
		join(wire.device, name_of(wire.client));
	}
	enter(home);
	close(home);
	return wire;
}

struct wire wire_open(const struct options *options)
{
	return options->remote_port ? reach(options) : connect_both(options);
}
