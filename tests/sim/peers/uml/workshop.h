// A workshop of a test: a cache of its own, and recipes that take no time.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sim/peers/uml/kernel_workshop.h"

namespace gatelab::sim::peers::uml {

class Workshop {
public:
    Workshop() {
        std::string name = (std::filesystem::temp_directory_path() / "gatelab-workshop-XXXXXX").string();
        folder_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(folder_ / "tools");
        shop.cache = folder_ / "cache";
        shop.tarball = folder_ / "source.tar.xz";
        shop.room = 0;
        write(shop.tarball, "");
        // The programs that a build needs need not be there for these recipes.
        for (const char* name_of : {"bc", "bison", "flex", "gcc", "make", "patch", "perl", "strip", "xz"})
            tool(name_of, "exit 0");
        tool("dpkg-query", "echo -n 6.1.99-1");
        shop.tools = (folder_ / "tools").string() + ":/usr/bin:/bin";
        recipe("echo kernel >linux; chmod +x linux");
    }
    ~Workshop() { std::filesystem::remove_all(folder_); }

    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream{path} << text;
    }
    static std::string read(const std::filesystem::path& path) {
        std::ifstream file{path};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    // A program of the workshop.
    void tool(const std::string& name, const std::string& script) const {
        const auto path = folder_ / "tools" / name;
        write(path, "#!/bin/bash\n" + script + "\n");
        ::chmod(path.c_str(), 0755);
    }
    void recipe(const std::string& script) { shop.recipe = {{"recipe.sh", script + "\n"}, {"config", "CONFIG_X=y\n"}}; }
    // A kernel as a build leaves it.
    void keep(const std::string& version) const {
        const auto hash = kernel_hash(shop, version);
        const auto folder = shop.cache / hash;
        write(folder / "linux", "kernel\n");
        ::chmod((folder / "linux").c_str(), 0755);
        write(folder / "kernel.json", R"({"schema": "gatelab.kernel/1", "version": ")" + version + R"(", "hash": ")" +
                                          hash + R"(", "recipe": ")" + kernel_hash(shop, "") + R"(", "size": 7})");
    }
    const std::filesystem::path& folder() const { return folder_; }

    KernelWorkshop shop;

private:
    std::filesystem::path folder_;
};

}  // namespace gatelab::sim::peers::uml
