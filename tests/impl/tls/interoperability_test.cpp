// Against `openssl s_server` and `openssl s_client` on loopback. The one place here with a socket and real time: bytes
// are pumped between it and the engine.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "tests/impl/tls/pair.h"

extern char** environ;

namespace gatelab::tls {
namespace {

using testing::HasSubstr;

constexpr const char* kProgram = "/usr/bin/openssl";

// A started program; it ends with this object.
class Program {
public:
    // With `in` as its standard input and `out` as its standard output.
    Program(std::vector<std::string> arguments, int in, int out) {
        std::vector<char*> raw;
        for (auto& one : arguments) raw.push_back(one.data());
        raw.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in, 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        if (posix_spawn(&pid_, kProgram, &actions, nullptr, raw.data(), environ) != 0) pid_ = -1;
        posix_spawn_file_actions_destroy(&actions);
    }
    ~Program() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

private:
    pid_t pid_ = -1;
};

struct Pipe {
    Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    std::array<int, 2> ends{-1, -1};
};

struct TlsInteroperability : testing::Test {
    std::filesystem::path folder;
    Pipe to_program, from_program;
    std::string said;  // by the program

    void SetUp() override {
        if (!std::filesystem::exists(kProgram)) GTEST_SKIP() << "needs the program openssl";
        std::string name = testing::TempDir() + "gatelab-tls-XXXXXX";
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder = name;
        write("root.pem", pki().root.certificate.to_pem());
        write_identity("server", pki().rsa_server);
        write_identity("client", pki().rsa_client);
        ::fcntl(from_program.ends[0], F_SETFL, O_NONBLOCK);
    }
    void TearDown() override {
        if (!folder.empty()) std::filesystem::remove_all(folder);
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream{folder / name} << text; }
    void write_identity(const std::string& name, const crypto::Identity& identity) const {
        write(name + ".pem", identity.certificate.to_pem());
        write(name + ".key", identity.key.to_pem());
    }
    std::string file(const char* name) const { return (folder / name).string(); }

    // Pumps until `done`, at most ten seconds.
    template <class Done>
    bool pump(int socket, End& end, Done done) {
        ::fcntl(socket, F_SETFL, O_NONBLOCK);
        for (int i = 0; i < 1000; ++i) {
            std::array<std::uint8_t, 4096> buffer;
            for (ssize_t size; (size = ::read(socket, buffer.data(), buffer.size())) > 0;)
                end.engine.handle_bytes(kNow, {buffer.data(), static_cast<std::size_t>(size)});
            for (ssize_t size; (size = ::read(from_program.ends[0], buffer.data(), buffer.size())) > 0;)
                said.append(buffer.begin(), buffer.begin() + size);
            end.take();
            while (!end.out.empty()) {
                const auto sent = ::send(socket, end.out.data(), end.out.size(), MSG_NOSIGNAL);
                if (sent <= 0) break;
                end.out.erase(end.out.begin(), end.out.begin() + sent);
            }
            if (done()) return true;
            ::usleep(10'000);
        }
        return false;
    }

    void talk_to_client(Version version, const char* flag, std::vector<std::string> more = {}, Key key = Key::Rsa);
    void talk_to_server(Version version, const char* flag, std::vector<std::string> more = {});
};

// A loopback socket that listens on a port of the kernel's choice.
int listening(std::uint16_t& port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket, 1), 0);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    return socket;
}

int connected(std::uint16_t port) {
    for (int i = 0; i < 500; ++i) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return socket;
        ::close(socket);
        ::usleep(10'000);
    }
    return -1;
}

void TlsInteroperability::talk_to_client(Version version, const char* flag, std::vector<std::string> more, Key key) {
    std::uint16_t port = 0;
    const int listener = listening(port);
    std::vector<std::string> arguments{"openssl",
                                       "s_client",
                                       "-connect",
                                       "127.0.0.1:" + std::to_string(port),
                                       flag,
                                       "-CAfile",
                                       file("root.pem"),
                                       "-verify_return_error",
                                       "-attime",
                                       std::to_string(unix_seconds(kNow)),
                                       "-cert",
                                       file("client.pem"),
                                       "-key",
                                       file("client.key"),
                                       "-quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Program program{arguments, to_program.ends[0], from_program.ends[1]};
    pollfd waiting{listener, POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);

    auto options = server_options(key);
    options.roots = pki().trust;
    End server{options};
    ASSERT_EQ(::write(to_program.ends[1], "from the program\n", 17), 17);
    server.engine.write(kNow, as_bytes("from the engine\n"));
    EXPECT_TRUE(pump(
        socket, server,
        [&] { return server.received == "from the program\n" && said.find("from the engine") != std::string::npos; }))
        << said << (server.closed ? server.closed->detail : "");
    ASSERT_TRUE(server.established);
    EXPECT_EQ(server.established->version, version);
    EXPECT_EQ(server.established->peer->subject(), "CN=alice");
    ::close(socket);
    ::close(listener);
}

void TlsInteroperability::talk_to_server(Version version, const char* flag, std::vector<std::string> more) {
    std::uint16_t port = 0;
    ::close(listening(port));  // free a moment ago
    std::vector<std::string> arguments{"openssl",
                                       "s_server",
                                       "-accept",
                                       "127.0.0.1:" + std::to_string(port),
                                       flag,
                                       "-CAfile",
                                       file("root.pem"),
                                       "-Verify",
                                       "1",
                                       "-verify_return_error",
                                       "-attime",
                                       std::to_string(unix_seconds(kNow)),
                                       "-cert",
                                       file("server.pem"),
                                       "-key",
                                       file("server.key"),
                                       "-quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Program program{arguments, to_program.ends[0], from_program.ends[1]};
    const int socket = connected(port);
    ASSERT_GE(socket, 0);

    End client{client_options(Key::Ecdsa)};
    client.engine.start(kNow);
    client.engine.write(kNow, as_bytes("from the engine\n"));
    ASSERT_EQ(::write(to_program.ends[1], "from the program\n", 17), 17);
    EXPECT_TRUE(pump(
        socket, client,
        [&] { return client.received == "from the program\n" && said.find("from the engine") != std::string::npos; }))
        << said << (client.closed ? client.closed->detail : "");
    ASSERT_TRUE(client.established);
    EXPECT_EQ(client.established->version, version);
    EXPECT_EQ(client.established->peer->subject(), "CN=gw.example");
    ::close(socket);
}

TEST_F(TlsInteroperability, ServesAClientOfTls12) { talk_to_client(Version::Tls12, "-tls1_2"); }
TEST_F(TlsInteroperability, ServesAClientOfTls13) { talk_to_client(Version::Tls13, "-tls1_3"); }
TEST_F(TlsInteroperability, ServesAClientOfRsaKeyExchange) {
    talk_to_client(Version::Tls12, "-tls1_2", {"-cipher", "AES256-SHA256"});
}
TEST_F(TlsInteroperability, ServesAClientWithAnEcdsaCertificate) {
    talk_to_client(Version::Tls12, "-tls1_2", {"-cipher", "ECDHE-ECDSA-AES128-SHA256"}, Key::Ecdsa);
}
TEST_F(TlsInteroperability, ReachesAServerOfTls12) { talk_to_server(Version::Tls12, "-tls1_2"); }
TEST_F(TlsInteroperability, ReachesAServerOfTls13) { talk_to_server(Version::Tls13, "-tls1_3"); }
TEST_F(TlsInteroperability, ReachesAServerThatAgreesOnCbc) {
    talk_to_server(Version::Tls12, "-tls1_2", {"-cipher", "ECDHE-RSA-AES256-SHA384"});
}

TEST_F(TlsInteroperability, RefusesAClientOfTls11) {
    std::uint16_t port = 0;
    const int listener = listening(port);
    const Program program{{"openssl", "s_client", "-connect", "127.0.0.1:" + std::to_string(port), "-tls1_1", "-cipher",
                           "ALL:@SECLEVEL=0"},
                          to_program.ends[0],
                          from_program.ends[1]};
    pollfd waiting{listener, POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 10'000), 1);
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    End server{server_options()};
    EXPECT_TRUE(pump(socket, server, [&] { return server.closed.has_value(); }));
    ASSERT_TRUE(server.closed);
    EXPECT_EQ(server.closed->reason, CloseReason::NoCommonSuite);
    ::close(socket);
    ::close(listener);
}

}  // namespace
}  // namespace gatelab::tls
