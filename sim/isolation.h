// Runs a function in a process of its own: ns-3 has one simulator per process, and what crashes or hangs there must not
// take the caller along.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "impl/base/bytes.h"
#include "impl/base/result.h"
#include "impl/base/time.h"

namespace gatelab::sim {

// How the child ended, and what it left.
struct IsolatedEnd {
    enum class How {
        Returned,  // the function came back; `output` is whole
        Exited,    // the process ended itself before that (`code`): an exit(), a sanitizer's report
        Killed,    // by a signal (`code`) that we did not send: a crash
        TimedOut,  // we ended it at its time limit
    } how = How::Returned;
    int code = 0;
    Duration limit{};
    Bytes output;            // what the function returned; empty unless Returned
    std::string last_words;  // the end of what it wrote to standard error, at most 4 KiB

    // "crashed (SIGSEGV)", "did not end within 60 s": with the last line of its standard error where there is one.
    std::string describe() const;
};

// A running child. When it is destroyed, the child and the processes of its group end.
class Isolated {
public:
    // Forks. The child runs `function` and sends back what it returns; it never returns into the caller's code and runs
    // no destructors of static objects. Its standard error is collected instead of shown, its standard output is
    // discarded. `limit` is wall time. Unavailable when the machine refuses another process.
    // The caller should be single-threaded: what another thread holds locked stays locked in the child.
    static Result<Isolated> start(std::function<Bytes()> function, Duration limit);
    ~Isolated();
    Isolated(Isolated&&) noexcept;
    Isolated& operator=(Isolated&&) noexcept;

    const IsolatedEnd& end() const;  // precondition: wait_any() named it
    Duration wall_time() const;      // from start to end; valid with end()

    // Waits until one of them has ended and returns its index; ended ones must not be handed in again.
    static std::size_t wait_any(const std::vector<Isolated*>&);
    // The same for at most so long: nothing when none has ended by then, or when a signal came.
    static std::optional<std::size_t> wait_any_for(const std::vector<Isolated*>&, Duration patience);

private:
    struct State;
    explicit Isolated(std::unique_ptr<State>);
    std::unique_ptr<State> state_;
};

// Runs `function` in a child and waits for it. Unavailable when no process could be made.
Result<IsolatedEnd> run_isolated(std::function<Bytes()> function, Duration limit);

}  // namespace gatelab::sim
