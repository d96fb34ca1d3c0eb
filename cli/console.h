// What the command says, and to whom: results to standard output, everything else to standard error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "impl/base/result.h"

namespace gatelab::cli {

// The exit codes of every verb. Never a count.
enum class Exit {
    Held = 0,        // all held
    NotHeld = 1,     // something did not: a failed case, a regression, a tunnel or flow that did not come about
    WrongInput = 2,  // what the user gave is wrong
    Broken = 3,      // the harness or a peer broke, or the machine lacks something that was asked for by name
    Late = 5,        // a real-time run fell behind its budget
    NothingRan = 77,
};

// The exit code that an error means.
Exit exit_of(Fault);

using Json = nlohmann::ordered_json;

class Console {
public:
    bool json = false;  // --json: one document on standard output

    void print(std::string_view text) const;
    void print_document(const Json&) const;

    void warn(std::string_view message) const;
    // One message, and with --json an object {"error": ...} on standard output too. Returns `exit`.
    Exit complain(Exit exit, std::string_view message) const;
    Exit complain(const Error& error) const { return complain(exit_of(error.fault), error.detail); }
};

// A line on standard error that shows how far a run is; nothing when standard error is no terminal.
class ProgressBar {
public:
    ProgressBar();
    ~ProgressBar();  // clears the line
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    void show(double share, std::string_view text);  // share: 0 to 1

private:
    bool terminal_;
    std::string last_;
};

// Columns of text, each as wide as its widest cell.
class Table {
public:
    explicit Table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    bool empty() const { return rows_.size() == 1; }
    std::string text() const;

private:
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace gatelab::cli
