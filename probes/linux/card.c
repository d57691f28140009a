// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's network card.
 */
#include "card.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ether.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fail.h"

#define CARD	    "eth0"
#define PATIENCE_MS 10000

static int any_socket(void)
{
	return check("a socket", socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

static void wait_for_card(void)
{
	for (int waited = 0; !if_nametoindex(CARD); waited++) {
		if (waited == PATIENCE_MS)
			fail("no network card came up as " CARD);
		usleep(1000);
	}
}

struct sockaddr card_name(in_addr_t address, uint16_t port)
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

void card_set_up(in_addr_t address, int prefix)
{
	int fd = any_socket();
	struct ifreq request = {.ifr_name = CARD};

	wait_for_card();
	request.ifr_addr = card_name(address, 0);
	check("the address", ioctl(fd, SIOCSIFADDR, &request));
	request.ifr_netmask = card_name(htonl(~0u << (32 - prefix)), 0);
	check("the netmask", ioctl(fd, SIOCSIFNETMASK, &request));
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	check("bringing " CARD " up", ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

void card_know(in_addr_t address, const char *mac)
{
	int fd = any_socket();
	struct arpreq entry = {
		.arp_pa = card_name(address, 0),
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
