// Loaded into a real program (LD_PRELOAD): what its OpenSSL negotiates goes to the file that GATELAB_TLS_KEYS names, in
// the format of SSLKEYLOGFILE, so that a run's captures can be opened. Debian's OpenSSL has no such switch of its own.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

static void keep(const SSL* ssl, const char* line) {
    (void)ssl;
    const char* path = getenv("GATELAB_TLS_KEYS");
    FILE* file = path ? fopen(path, "ae") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

static SSL_CTX* watched(SSL_CTX* context) {
    if (context) SSL_CTX_set_keylog_callback(context, keep);
    return context;
}

SSL_CTX* SSL_CTX_new(const SSL_METHOD* method) {
    SSL_CTX* (*real)(const SSL_METHOD*) = (SSL_CTX * (*)(const SSL_METHOD*)) dlsym(RTLD_NEXT, "SSL_CTX_new");
    return watched(real(method));
}

SSL_CTX* SSL_CTX_new_ex(OSSL_LIB_CTX* library, const char* query, const SSL_METHOD* method) {
    SSL_CTX* (*real)(OSSL_LIB_CTX*, const char*, const SSL_METHOD*) =
        (SSL_CTX * (*)(OSSL_LIB_CTX*, const char*, const SSL_METHOD*)) dlsym(RTLD_NEXT, "SSL_CTX_new_ex");
    return watched(real(library, query, method));
}
