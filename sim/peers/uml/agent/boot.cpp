#include "sim/peers/uml/agent/boot.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "sim/peers/machine_setup.h"
#include "sim/peers/uml/agent/frame_link.h"

namespace gatelab::sim::peers::uml::agent {
namespace {

constexpr const char* kControlCard = "ctl0";

std::string failed(const std::string& step) { return step + ": " + std::strerror(errno); }

struct Mount {
    const char *type, *target;
    unsigned long flags = MS_NOSUID | MS_NODEV;
    const char* options = "";
};

constexpr Mount kMounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
    {"devtmpfs", "/dev", MS_NOSUID},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620,ptmxmode=0666"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
};

// The folder as it is on the host, with what is written kept in memory.
std::string lay_over(const std::string& folder) {
    const std::string upper = "/run/written" + folder, work = "/run/work" + folder;
    ::mkdir("/run/written", 0755);
    ::mkdir("/run/work", 0755);
    ::mkdir(upper.c_str(), 0755);
    ::mkdir(work.c_str(), 0755);
    const auto options = "lowerdir=" + folder + ",upperdir=" + upper + ",workdir=" + work;
    if (::mount("overlay", folder.c_str(), "overlay", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
        return failed("overlay on " + folder);
    return {};
}

// The host's files that say who it is and whom to ask for names are none of the guest's business.
std::string write_names(const std::string& name) {
    const std::pair<const char*, std::string> files[] = {
        {"/etc/hostname", name + "\n"},
        {"/etc/hosts", "127.0.0.1 localhost\n127.0.1.1 " + name + "\n"},
        {"/etc/resolv.conf", ""},
    };
    for (const auto& [path, text] : files) {
        ::unlink(path);  // often a link to somewhere else
        const FileDescriptor file{::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
            return failed(path);
    }
    return {};
}

bool write_setting(const std::string& path, const std::string& value) {
    const FileDescriptor file{::open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC)};
    return file && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

ifreq request_for(const std::string& interface) {
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    return request;
}

// A card of the guest is joined to one thing only, so it asks nobody for Ethernet addresses.
bool prepare_card(int socket, const std::string& from, const std::string& to) {
    auto rename = request_for(from);
    to.copy(rename.ifr_newname, IFNAMSIZ - 1);
    if (::ioctl(socket, SIOCSIFNAME, &rename) != 0) return false;
    auto flags = request_for(to);
    if (::ioctl(socket, SIOCGIFFLAGS, &flags) != 0) return false;
    flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_NOARP);
    return ::ioctl(socket, SIOCSIFFLAGS, &flags) == 0;
}

bool bring_up(int socket, const std::string& card) {
    auto flags = request_for(card);
    if (::ioctl(socket, SIOCGIFFLAGS, &flags) != 0) return false;
    flags.ifr_flags = static_cast<short>(flags.ifr_flags | IFF_UP);
    return ::ioctl(socket, SIOCSIFFLAGS, &flags) == 0;
}

}  // namespace

std::string mount_file_systems() {
    for (const auto& one : kMounts) {
        const std::string target = one.target;
        if (target.starts_with("/dev/")) ::mkdir(one.target, 0755);
        if (::mount(one.type, one.target, one.type, one.flags, one.options) != 0 && errno != EBUSY)
            return failed(std::string{one.type} + " on " + target);
    }
    for (const auto* folder : {"/etc", "/var"})
        if (const auto problem = lay_over(folder); !problem.empty()) return problem;
    return {};
}

std::string settle_kernel() {
    // The simulated network is IPv4; nothing else shall come out of a card that goes up.
    for (const auto* which : {"all", "default"})
        if (const auto path = std::string{"net/ipv6/conf/"} + which + "/disable_ipv6"; !write_setting(path, "1"))
            return failed(path);
    // Above, the harness picks ports itself.
    if (!write_setting("net/ipv4/ip_local_port_range", "32768 49151")) return failed("ip_local_port_range");
    return {};
}

void wait_for_clock() {
    const timespec earliest{2, 0};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &earliest, nullptr) == EINTR) continue;
}

std::string open_control_card(FileDescriptor& wire) {
    wire.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!wire) return failed("packet socket");
    if (!prepare_card(wire.get(), "eth0", kControlCard) || !bring_up(wire.get(), kControlCard))
        return failed(kControlCard);
    // Room for a window of frames, each with what the kernel adds.
    const int room = static_cast<int>(kWindow) * 16384;
    ::setsockopt(wire.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    ::setsockopt(wire.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(kEtherType);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(kControlCard));
    if (::bind(wire.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failed("packet socket on ctl0");
    return {};
}

std::string configure(const Configure& wanted) {
    if (::sethostname(wanted.name.data(), wanted.name.size()) != 0) return failed("host name");
    if (auto problem = write_names(wanted.name); !problem.empty()) return problem;
    const FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!socket || !prepare_card(socket.get(), "eth1", kCardName)) return failed(kCardName);
    MachineSetup setup;
    setup.addresses = wanted.addresses;
    setup.borrowed = wanted.borrowed;
    setup.mtu = wanted.mtu;
    setup.forwards = wanted.forwards != 0;
    const auto step = set_up_machine(setup, [] { return true; });
    return step.empty() ? "" : failed(step);
}

std::string kernel_version() {
    utsname name{};
    ::uname(&name);
    return std::string{name.release} + " " + name.version;
}

}  // namespace gatelab::sim::peers::uml::agent
