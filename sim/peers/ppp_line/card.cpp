#include "sim/peers/ppp_line/card.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gatelab::sim::peers::ppp_line {
namespace {

tl::unexpected<Error> broken(const std::string& step) { return fail(Fault::Io, step + ": " + std::strerror(errno)); }

ifreq request_for(const std::string& card) {
    ifreq request{};
    card.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

bool set_address(int socket, const std::string& card, unsigned long what, Ipv4Address value) {
    auto request = request_for(card);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(value.number());
    std::memcpy(&request.ifr_addr, &address, sizeof address);
    return ::ioctl(socket, what, &request) == 0;
}

bool bring_up(int socket, const std::string& card, int mtu) {
    auto request = request_for(card);
    request.ifr_mtu = mtu;
    if (::ioctl(socket, SIOCSIFMTU, &request) != 0) return false;
    request = request_for(card);
    request.ifr_flags = IFF_UP | IFF_POINTOPOINT | IFF_NOARP;
    return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

int run_script(const std::string& script, const std::string& card, const ppp::Agreed& agreed) {
    const pid_t process = ::fork();
    if (process < 0) return -1;
    if (process == 0) {
        for (std::size_t i = 0; i < agreed.dns.size() && i < 2; ++i)
            ::setenv(i == 0 ? "DNS1" : "DNS2", to_string(agreed.dns[i]).c_str(), 1);
        ::execl(script.c_str(), script.c_str(), card.c_str(), "line", "0", to_string(agreed.address).c_str(),
                to_string(agreed.peer).c_str(), "gatelab", nullptr);
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace

Result<FileDescriptor> open_card(const std::string& name, const ppp::Agreed& agreed, const std::string& up_script) {
    FileDescriptor card{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    auto request = request_for(name);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (!card || ::ioctl(card.get(), TUNSETIFF, &request) != 0) return broken("/dev/net/tun");
    const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket || !set_address(socket.get(), name, SIOCSIFADDR, agreed.address) ||
        !set_address(socket.get(), name, SIOCSIFDSTADDR, agreed.peer) ||
        !set_address(socket.get(), name, SIOCSIFNETMASK, Ipv4Address{255, 255, 255, 255}))
        return broken("the address of " + name);
    if (!bring_up(socket.get(), name, agreed.mtu)) return broken(name);
    if (run_script(up_script, name, agreed) != 0) return fail(Fault::Io, up_script + " fails");
    return card;
}

}  // namespace gatelab::sim::peers::ppp_line
