// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a Linux guest of the lab runs: sends back what comes to its port, over UDP and TCP.
 *
 *	init ADDRESS PREFIX CLIENT CLIENT_MAC
 *
 * On the console it says {"ready": {…}} when it serves. At the line `end` it says {"result": {…}}
 * and switches the guest off. It says nothing in between: writing to a console is an exit for each
 * character. What it cannot do is one sentence, {"failed": "…"}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define PORT	    7 /* echo, RFC 862 */
#define CARD	    "eth0"
#define MODULES	    "/modules"
#define PATIENCE_MS 10000 /* for the card to show itself */

static void leave(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	exit(EXIT_FAILURE);
}

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	printf("{\"failed\": \"");
	vprintf(format, values);
	printf("\"}\n");
	va_end(values);
	leave();
}

static int check(const char *what, int answer)
{
	if (answer < 0)
		fail("%s failed: %s", what, strerror(errno));
	return answer;
}

static void mount_at(const char *kind, const char *where)
{
	mkdir(where, 0755);
	check(where, mount(kind, where, kind, 0, NULL));
}

/* Names in the order to load in, one on each line; what is built in is not among them. */
static void load_modules(void)
{
	FILE *order = fopen(MODULES "/order", "r");
	char path[256];
	int fd;

	if (!order)
		fail("the initramfs has no " MODULES "/order");
	while (fgets(path, sizeof(path), order)) {
		path[strcspn(path, "\n")] = '\0';
		fd = check(path, open(path, O_RDONLY | O_CLOEXEC));
		check(path, syscall(SYS_finit_module, fd, "", 0));
		close(fd);
	}
	fclose(order);
}

static struct ifreq card(void)
{
	struct ifreq request = {0};

	strcpy(request.ifr_name, CARD);
	return request;
}

static void wait_for_card(void)
{
	for (int waited = 0; !if_nametoindex(CARD); waited++) {
		if (waited == PATIENCE_MS)
			fail("no network card came up as " CARD);
		usleep(1000);
	}
}

static struct sockaddr name_of(in_addr_t address, uint16_t port)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = address,
		.sin_port = htons(port),
	};
	struct sockaddr any;

	memcpy(&any, &name, sizeof(any));
	return any;
}

static void set_up_card(in_addr_t address, int prefix)
{
	int fd = check("a socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct ifreq request = card();

	request.ifr_addr = name_of(address, 0);
	check("the address", ioctl(fd, SIOCSIFADDR, &request));
	request.ifr_netmask = name_of(htonl(~0u << (32 - prefix)), 0);
	check("the netmask", ioctl(fd, SIOCSIFNETMASK, &request));
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	check("bringing " CARD " up", ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

/* The client's hardware address, so that no ARP falls into a trial. */
static void know(in_addr_t address, const char *mac)
{
	int fd = check("a socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	struct arpreq entry = {
		.arp_pa = name_of(address, 0),
		.arp_ha.sa_family = ARPHRD_ETHER,
		.arp_flags = ATF_COM | ATF_PERM,
		.arp_dev = CARD,
	};
	struct ether_addr *parsed = ether_aton(mac);

	if (!parsed)
		fail("%s is no hardware address", mac);
	memcpy(entry.arp_ha.sa_data, parsed, sizeof(*parsed));
	check("the client's hardware address", ioctl(fd, SIOCSARP, &entry));
	close(fd);
}

static int serve_at(in_addr_t address, int type)
{
	int fd = check("a socket", socket(AF_INET, type | SOCK_CLOEXEC, 0));
	struct sockaddr name = name_of(address, PORT);

	check("binding the port", bind(fd, &name, sizeof(name)));
	if (type == SOCK_STREAM)
		check("listening", listen(fd, 1));
	return fd;
}

static int accept_one(int listener)
{
	int on = 1;
	int fd = check("accepting", accept4(listener, NULL, NULL, SOCK_CLOEXEC));

	check("TCP_NODELAY", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
	return fd;
}

static bool answer_datagram(int fd)
{
	char message[64];
	struct sockaddr client;
	socklen_t bytes = sizeof(client);
	ssize_t size = recvfrom(fd, message, sizeof(message), 0, &client, &bytes);

	return size > 0 && sendto(fd, message, size, 0, &client, bytes) == size;
}

/* False at the end of the connection, too. */
static bool answer_stream(int fd)
{
	char message[8];
	ssize_t size = recv(fd, message, sizeof(message), MSG_WAITALL);

	return size == sizeof(message) && send(fd, message, size, MSG_NOSIGNAL) == size;
}

static bool asked_to_end(void)
{
	char line[16];

	return fgets(line, sizeof(line), stdin) && !strcmp(line, "end\n");
}

static uint64_t serve(int udp, int listener)
{
	struct pollfd watched[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = udp, .events = POLLIN},
		{.fd = listener, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
	};
	uint64_t answered = 0;

	while (check("poll", poll(watched, 4, -1)) >= 0) {
		if (watched[1].revents)
			answered += answer_datagram(udp);
		if (watched[3].revents) {
			if (answer_stream(watched[3].fd)) {
				answered++;
			} else {
				close(watched[3].fd);
				watched[3].fd = -1;
			}
		}
		if (watched[2].revents)
			watched[3].fd = accept_one(listener);
		if (watched[0].revents && asked_to_end())
			break;
	}
	return answered;
}

/* What a file of one line says, as a member of a JSON object; null where there is none. */
static void say(const char *key, const char *path, bool text)
{
	char line[128];
	FILE *file = fopen(path, "r");

	printf(", \"%s\": ", key);
	if (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		printf(text ? "\"%s\"" : "%s", line);
	} else {
		printf("null");
	}
	if (file)
		fclose(file);
}

static void say_ready(void)
{
	struct utsname name;

	uname(&name);
	printf("\n{\"ready\": {\"kernel\": \"%s\", \"cpus\": %ld", name.release,
	       sysconf(_SC_NPROCESSORS_ONLN));
	say("clocksource", "/sys/devices/system/clocksource/clocksource0/current_clocksource",
	    true);
	say("idle_driver", "/sys/devices/system/cpu/cpuidle/current_driver", true);
	say("idle_governor", "/sys/devices/system/cpu/cpuidle/current_governor", true);
	say("guest_halt_poll_ns", "/sys/module/haltpoll/parameters/guest_halt_poll_ns", false);
	say("guest_halt_poll_grow", "/sys/module/haltpoll/parameters/guest_halt_poll_grow", false);
	say("guest_halt_poll_grow_start",
	    "/sys/module/haltpoll/parameters/guest_halt_poll_grow_start", false);
	say("guest_halt_poll_shrink", "/sys/module/haltpoll/parameters/guest_halt_poll_shrink",
	    false);
	printf("}}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	in_addr_t address;
	uint64_t answered;
	int udp, listener;

	if (argc != 5)
		fail("usage: init ADDRESS PREFIX CLIENT CLIENT_MAC");
	address = inet_addr(argv[1]);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	load_modules();
	wait_for_card();
	set_up_card(address, atoi(argv[2]));
	know(inet_addr(argv[3]), argv[4]);
	udp = serve_at(address, SOCK_DGRAM);
	listener = serve_at(address, SOCK_STREAM);
	say_ready();
	answered = serve(udp, listener);
	printf("\n{\"result\": {\"answered\": %" PRIu64 "}}\n", answered);
	leave();
}
