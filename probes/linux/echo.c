// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends back what comes to its port, over UDP and TCP.
 */
#include "echo.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "card.h"
#include "console.h"
#include "fail.h"

#define PORT 7

static int serve_at(in_addr_t address, int type)
{
	int fd = check("a socket", socket(AF_INET, type | SOCK_CLOEXEC, 0));
	struct sockaddr name = card_name(address, PORT);

	check("binding the port", bind(fd, &name, sizeof(name)));
	if (type == SOCK_STREAM)
		check("listening", listen(fd, 1));
	return fd;
}

struct echo echo_open(in_addr_t address)
{
	return (struct echo){
		.udp = serve_at(address, SOCK_DGRAM),
		.listener = serve_at(address, SOCK_STREAM),
	};
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

uint64_t echo_serve(const struct echo *echo)
{
	struct pollfd watched[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = echo->udp, .events = POLLIN},
		{.fd = echo->listener, .events = POLLIN},
		{.fd = -1, .events = POLLIN},
	};
	uint64_t answered = 0;

	while (check("poll", poll(watched, 4, -1)) >= 0) {
		if (watched[1].revents)
			answered += answer_datagram(echo->udp);
		if (watched[3].revents) {
			if (answer_stream(watched[3].fd)) {
				answered++;
			} else {
				close(watched[3].fd);
				watched[3].fd = -1;
			}
		}
		if (watched[2].revents)
			watched[3].fd = accept_one(echo->listener);
		if (watched[0].revents && console_is_asked_to("end"))
			break;
	}
	return answered;
}
