#include "tests/impl/openvpn/real_openvpn.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/impl/openvpn/pair.h"

namespace gatelab::openvpn::test {
namespace {

constexpr const char* kProgram = "/usr/sbin/openvpn";

std::optional<std::string> enter_namespace() {
    if (access(kProgram, X_OK) != 0) return "openvpn is not installed";
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return std::string{"no network namespace: "} + std::strerror(errno);
    const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq lo{};
    std::strncpy(lo.ifr_name, "lo", IFNAMSIZ - 1);
    lo.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
    const bool up = ioctl(any, SIOCSIFFLAGS, &lo) == 0;
    close(any);
    if (!up) return std::string{"the loopback does not come up: "} + std::strerror(errno);
    const int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (tun < 0) return std::string{"/dev/net/tun: "} + std::strerror(errno);
    ifreq probe{};
    std::strncpy(probe.ifr_name, "probe", IFNAMSIZ - 1);
    probe.ifr_flags = 0x0001 | 0x1000;  // IFF_TUN, IFF_NO_PI
    const bool works = ioctl(tun, _IOW('T', 202, int), &probe) == 0;
    const std::string why = std::strerror(errno);
    close(tun);
    if (!works) return "no tunnel interface: " + why;
    return {};
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* plain(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

crypto::CertificateRequest request(std::string name, std::vector<crypto::Purpose> purposes, std::uint64_t serial) {
    crypto::CertificateRequest wanted;
    wanted.common_name = std::move(name);
    wanted.purposes = std::move(purposes);
    wanted.not_before = real_now() - std::chrono::hours(24);
    wanted.not_after = real_now() + std::chrono::hours(24 * 30);
    wanted.serial = serial;
    return wanted;
}

}  // namespace

std::optional<std::string> why_no_real_openvpn() {
    static const auto kWhyNot = enter_namespace();
    return kWhyNot;
}

Instant real_now() { return Instant{std::chrono::system_clock::now().time_since_epoch()}; }

const RealPki& real_pki() {
    static const RealPki kPki = [] {
        const auto key = [] { return crypto::PrivateKey::generate_ecdsa(256); };
        const auto root = crypto::make_root(request("root", {}, 1), key());
        return RealPki{root, crypto::issue(root, request("gw.gatelab.test", {crypto::Purpose::ServerAuth}, 2), key()),
                       crypto::issue(root, request("alice", {crypto::Purpose::ClientAuth}, 3), key())};
    }();
    return kPki;
}

crypto::TrustStore RealPki::trust() const {
    crypto::TrustStore store;
    store.add(root.certificate);
    return store;
}

RealProgram::RealProgram(const std::string& configuration,
                         const std::vector<std::pair<std::string, std::string>>& files) {
    std::string name = (std::filesystem::temp_directory_path() / "gatelab-openvpn-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    for (const auto& [file, content] : files) {
        std::ofstream{folder_ / file} << content;
        if (file.ends_with(".sh")) std::filesystem::permissions(folder_ / file, std::filesystem::perms::owner_all);
    }
    std::ofstream{folder_ / "openvpn.conf"} << configuration;
    pid_ = fork();
    if (pid_ != 0) return;
    const int log = open((folder_ / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(log, 1);
    dup2(log, 2);
    if (chdir(folder_.c_str()) == 0) execl(kProgram, kProgram, "--config", "openvpn.conf", nullptr);
    _exit(127);
}

RealProgram::~RealProgram() {
    if (running()) {
        signal(SIGTERM);
        for (int i = 0; i < 100 && running(); ++i) std::this_thread::sleep_for(milliseconds(20));
        if (running()) {
            signal(SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
    }
    std::filesystem::remove_all(folder_);
}

bool RealProgram::running() {
    if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    return pid_ > 0;
}

void RealProgram::signal(int number) const { kill(pid_, number); }

std::string RealProgram::log() const {
    std::ifstream file{folder_ / "log"};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

RealEnd::RealEnd(Options options, std::uint16_t port)
    : session(Session::create(options, random_).value()), options_(std::move(options)), port_(port) {
    on_peer = [this](const Session::PeerAuthenticated&) {
        auto push = usual_push();
        push.address = Ipv4Address{10, 61, 0, 2};
        push.subnet = Prefix{Ipv4Address{10, 61, 0, 0}, 24};
        push.route_gateway = Ipv4Address{10, 61, 0, 1};
        push.routes.clear();
        session.grant(real_now(), push);
    };
    open_socket();
    session.start(real_now());
    collect();
}

RealEnd::~RealEnd() {
    if (socket_ >= 0) close(socket_);
    if (listener_ >= 0) close(listener_);
}

void RealEnd::open_socket() {
    const auto address = loopback(port_);
    const bool tcp = options_.transport == Transport::Tcp, client = options_.role == Role::Client;
    const int made = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (tcp) setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (client) {
        // The real server may still be on its way to listen.
        for (int i = 0; connect(made, plain(address), sizeof address) != 0 && i < 100; ++i)
            std::this_thread::sleep_for(milliseconds(20));
        socket_ = made;
        has_peer_ = true;
    } else {
        if (bind(made, plain(address), sizeof address) != 0) throw std::runtime_error("the port is taken");
        if (tcp) listen(made, 1);
        (tcp ? listener_ : socket_) = made;
    }
}

void RealEnd::write_packet(ByteView packet) {
    if (!has_peer_ || loses()) return;
    Bytes framed;
    if (options_.transport == Transport::Tcp)
        framed = {static_cast<std::uint8_t>(packet.size() >> 8), static_cast<std::uint8_t>(packet.size())};
    append(framed, packet);
    if (::send(socket_, framed.data(), framed.size(), MSG_NOSIGNAL) < 0) return;  // as a lost packet
}

void RealEnd::handle(ByteSpan packet) {
    const auto head = head_of(packet);
    if (head && is_data(head->opcode)) {
        const auto inner = session.open(real_now(), packet);
        if (!inner.empty()) received.push_back(copy_of(inner));
    } else {
        session.handle_packet(real_now(), packet);
    }
    collect();
}

void RealEnd::read_packets() {
    Bytes buffer(65536);
    if (options_.transport == Transport::Tcp) {
        const auto size = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) return;
        const auto fed = deframer_.feed(ByteView{buffer}.first(static_cast<std::size_t>(size)),
                                        [&](ByteSpan packet) { handle(packet); });
        if (!fed) throw std::runtime_error(fed.error().detail);
        return;
    }
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const auto size =
        recvfrom(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
    if (size <= 0) return;
    if (!has_peer_) has_peer_ = connect(socket_, plain(from), sizeof from) == 0;
    if (loses()) return;
    handle(ByteSpan{buffer}.first(static_cast<std::size_t>(size)));
}

void RealEnd::collect() {
    for (auto outputs = session.drain(); !outputs.empty(); outputs = session.drain()) {
        for (auto& output : outputs) {
            said.push_back(output);
            if (const auto* send = std::get_if<Session::Send>(&output)) write_packet(send->packet);
            if (const auto* found = std::get_if<Session::PeerAuthenticated>(&output)) on_peer(*found);
        }
    }
}

bool RealEnd::run_until(const std::function<bool()>& holds, Duration at_most) {
    const auto end = real_now() + at_most;
    while (!holds()) {
        const auto now = real_now();
        if (now >= end) return false;
        auto wait = std::min<Duration>(end - now, milliseconds(5));
        if (const auto next = session.next_timeout()) wait = std::clamp<Duration>(*next - now, Duration{}, wait);
        pollfd ready{listener_ >= 0 && socket_ < 0 ? listener_ : socket_, POLLIN, 0};
        if (poll(&ready, 1, static_cast<int>((wait.count() + 999'999) / 1'000'000)) > 0) {
            if (ready.fd == listener_) {
                socket_ = accept(listener_, nullptr, nullptr);
                has_peer_ = true;
            } else {
                read_packets();
            }
        }
        session.handle_timeout(real_now());
        collect();
    }
    return true;
}

bool RealEnd::send(ByteView inner) {
    const bool sent = session.seal(real_now(), inner, [&](ByteView packet) { write_packet(packet); });
    collect();
    return sent;
}

namespace {

std::uint16_t checksum_of(ByteView bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : bytes[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

Bytes echo_request(Ipv4Address from, Ipv4Address to, int number, std::size_t size) {
    ByteWriter icmp;
    icmp.u8(8).u8(0).u16(0).u16(1).u16(static_cast<std::uint16_t>(number)).zeros(size);
    icmp.patch_u16(2, checksum_of(icmp.view()));
    ByteWriter ip;
    ip.u8(0x45).u8(0).u16(static_cast<std::uint16_t>(20 + icmp.size())).u32(0).u8(64).u8(1).u16(0);
    ip.u32(from.number()).u32(to.number());
    ip.patch_u16(10, checksum_of(ip.view()));
    ip.bytes(icmp.view());
    return ip.take();
}

}  // namespace

int RealEnd::ping(Ipv4Address from, Ipv4Address to, int count, std::size_t size) {
    received.clear();
    for (int i = 0; i < count; ++i) {
        send(echo_request(from, to, i, size));
        run_for(milliseconds(4));
    }
    const auto answers = [&] {
        return static_cast<int>(std::count_if(received.begin(), received.end(), [](const Bytes& inner) {
            return inner.size() > 20 && inner[9] == 1 && inner[20] == 0;  // an echo reply
        }));
    };
    run_until([&] { return answers() >= count; }, seconds(1));
    return answers();
}

std::string RealEnd::story() const {
    std::string text;
    for (const auto& output : said) {
        if (const auto* trace = std::get_if<Trace>(&output))
            text += to_json_line({{}, "", "", trace->event, trace->attributes}) + "\n";
        if (const auto* closed = std::get_if<Session::Closed>(&output))
            text += "closed: " + std::string{name_of(closed->reason)} + ": " + closed->detail + "\n";
    }
    return text;
}

}  // namespace gatelab::openvpn::test
