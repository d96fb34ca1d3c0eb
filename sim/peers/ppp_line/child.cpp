#include "sim/peers/ppp_line/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace gatelab::sim::peers::ppp_line {
namespace {

tl::unexpected<Error> broken(const char* step) {
    return fail(Fault::Io, std::string{step} + ": " + std::strerror(errno));
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> all;
    for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
    all.push_back(nullptr);
    return all;
}

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
    int pair[2], pipe[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return broken("socketpair");
    Child child;
    child.line_.reset(pair[0]);
    const FileDescriptor theirs{pair[1]};
    if (::pipe2(pipe, O_CLOEXEC) != 0) return broken("pipe");
    child.words_.reset(pipe[0]);
    const FileDescriptor their_words{pipe[1]};
    for (const int own : {pair[0], pipe[0]}) ::fcntl(own, F_SETFL, ::fcntl(own, F_GETFL) | O_NONBLOCK);
    const auto arguments = pointers(command), variables = pointers(environment);
    child.process_ = ::fork();
    if (child.process_ < 0) return broken("fork");
    if (child.process_ > 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(theirs.get(), 0);
    ::dup2(theirs.get(), 1);
    ::dup2(their_words.get(), 2);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
}

void Child::kill(int signal) const {
    if (process_ > 0) ::kill(process_, signal);
}

}  // namespace gatelab::sim::peers::ppp_line
