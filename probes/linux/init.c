// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that a Linux guest of the lab runs: one of
 *
 *	init echo ADDRESS PREFIX [CLIENT CLIENT_MAC]
 *	init pingpong COUNT
 *
 * On the console it says {"ready": {…}}. An echo server answers from then on; ping-pong waits for
 * the line `go` and says {"done": {}}. At the line `end` it says {"result": {…}} and switches the
 * guest off. What it cannot do is one sentence, {"failed": "…"}.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "card.h"
#include "console.h"
#include "echo.h"
#include "fail.h"
#include "pingpong.h"

#define MODULES "/modules"

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

static void run_echo(int argc, char **argv)
{
	in_addr_t address = inet_addr(argv[0]);
	struct echo echo;

	card_set_up(address, atoi(argv[1]));
	if (argc == 4)
		card_know(inet_addr(argv[2]), argv[3]);
	echo = echo_open(address);
	console_say_ready();
	printf("\n{\"result\": {\"completed\": %" PRIu64 "}}\n", echo_serve(&echo));
}

static void run_pingpong(const char *count)
{
	struct pingpong game = pingpong_open(strtoull(count, NULL, 10));
	uint64_t completed;

	console_say_ready();
	while (!console_is_asked_to("go"))
		;
	completed = pingpong_play(&game);
	printf("{\"done\": {}}\n");
	fflush(stdout);
	while (!console_is_asked_to("end"))
		;
	printf("\n{\"result\": {\"completed\": %" PRIu64 ", \"round_trip_ns\": [", completed);
	for (uint64_t i = 0; i < completed; i++)
		printf("%s%" PRIu64, i ? "," : "", game.round_trip_ns[i]);
	printf("]}}\n");
}

int main(int argc, char **argv)
{
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	load_modules();
	if ((argc == 4 || argc == 6) && !strcmp(argv[1], "echo"))
		run_echo(argc - 2, argv + 2);
	else if (argc == 3 && !strcmp(argv[1], "pingpong"))
		run_pingpong(argv[2]);
	else
		fail("usage: init echo ADDRESS PREFIX [CLIENT CLIENT_MAC], or init pingpong COUNT");
	leave();
}
