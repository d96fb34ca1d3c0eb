#include "sim/peers/machine_setup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>

#include "sim/peers/machine_rules.h"

namespace gatelab::sim::peers {
namespace {

ifreq request_for(const std::string& interface) {
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

void put_address(sockaddr& field, const char* dotted) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    ::inet_pton(AF_INET, dotted, &address.sin_addr);
    std::memcpy(&field, &address, sizeof address);
}

bool bring_up(int socket, const std::string& interface) {
    auto request = request_for(interface);
    if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return false;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

// The classic calls know one address per label: "net0", "net0:1", ...
bool add_address(int socket, const std::string& label, const std::string& address) {
    auto request = request_for(label);
    put_address(request.ifr_addr, address.c_str());
    if (::ioctl(socket, SIOCSIFADDR, &request) != 0) return false;
    put_address(request.ifr_netmask, "255.255.255.255");
    return ::ioctl(socket, SIOCSIFNETMASK, &request) == 0;
}

bool add_default_route(int socket) {
    rtentry route{};
    std::string device = kCardName;
    put_address(route.rt_dst, "0.0.0.0");
    put_address(route.rt_genmask, "0.0.0.0");
    route.rt_flags = RTF_UP;
    route.rt_dev = device.data();
    return ::ioctl(socket, SIOCADDRT, &route) == 0;
}

// "" or the address that could not be added.
std::string add_addresses(int socket, const MachineSetup& setup) {
    int number = 0;
    for (const auto* addresses : {&setup.addresses, &setup.borrowed})
        for (const auto& address : *addresses) {
            const auto label = number == 0 ? kCardName : std::string{kCardName} + ":" + std::to_string(number);
            if (!add_address(socket, label, address)) return address;
            ++number;
        }
    return {};
}

bool write_setting(const std::string& path, const char* value) {
    const FileDescriptor file{::open(("/proc/sys/net/" + path).c_str(), O_WRONLY | O_CLOEXEC)};
    return file && ::write(file.get(), value, 1) == 1;
}

FileDescriptor open_card() {
    FileDescriptor card{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    auto request = request_for(kCardName);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (card && ::ioctl(card.get(), TUNSETIFF, &request) != 0) card.reset();
    return card;
}

}  // namespace

std::string set_up_machine(const MachineSetup& setup, const std::function<bool()>& make_card) {
    const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket) return "socket";
    if (!bring_up(socket.get(), "lo")) return "loopback";
    // Packets may enter by the card and leave by the tunnel: no reverse path filter. A new namespace may inherit one.
    write_setting("ipv4/conf/all/rp_filter", "0");
    write_setting("ipv4/conf/default/rp_filter", "0");
    // The card has one neighbour only: there is no better next hop to tell anybody about.
    write_setting("ipv4/conf/all/send_redirects", "0");
    write_setting("ipv4/conf/default/send_redirects", "0");
    // The simulated network is IPv4; nothing else shall come out of the card.
    write_setting("ipv6/conf/all/disable_ipv6", "1");
    write_setting("ipv6/conf/default/disable_ipv6", "1");
    if (!write_setting("ipv4/ip_forward", setup.forwards ? "1" : "0") && setup.forwards) return "ip_forward";
    if (!make_card()) return kCardName;
    write_setting(std::string{"ipv4/conf/"} + kCardName + "/rp_filter", "0");
    auto mtu = request_for(kCardName);
    mtu.ifr_mtu = setup.mtu;
    if (::ioctl(socket.get(), SIOCSIFMTU, &mtu) != 0) return "mtu";
    if (const auto address = add_addresses(socket.get(), setup); !address.empty()) return "address " + address;
    if (!bring_up(socket.get(), kCardName)) return "card";
    if (!add_default_route(socket.get())) return "default route";
    if (setup.borrowed.empty()) return {};
    // What their owners send passes through us, too.
    if (!write_setting("ipv4/conf/all/accept_local", "1")) return "accept_local";
    return answer_only_at(setup.addresses);
}

std::string set_up_machine(const MachineSetup& setup, FileDescriptor& card) {
    const auto failed = set_up_machine(setup, [&] { return static_cast<bool>(card = open_card()); });
    return failed == kCardName ? "/dev/net/tun" : failed;
}

}  // namespace gatelab::sim::peers
