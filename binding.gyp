{
  "variables": {
    "openssl_fips": ""
  },
  "conditions": [
    [
      "OS=='linux'",
      {
        "targets": [
          {
            "target_name": "linux_ptrace",
            "sources": [
              "native/addon.cc",
              "native/ptrace.cc",
              "native/wait.cc",
              "native/memory.cc",
              "native/sched.cc",
              "native/doorbell.cc",
              "native/tracees.cc",
              "native/spawn.cc",
              "native/script.cc"
            ],
            "include_dirs": [
              "<!(node -p \"require('node-addon-api').include_dir\")"
            ],
            "defines": [
              "NAPI_VERSION=8",
              "NAPI_DISABLE_CPP_EXCEPTIONS",
              "NODE_ADDON_API_DISABLE_DEPRECATED"
            ],
            "cflags!": [
              "-fno-exceptions",
              "-O3"
            ],
            "cflags_cc!": [
              "-fno-exceptions",
              "-O3",
              "-std=gnu++20",
              "-std=c++20"
            ],
            "cflags": [
              "-O2",
              "-Wall",
              "-Wextra",
              "-fvisibility=hidden"
            ],
            "cflags_cc": [
              "-std=c++17",
              "-fno-exceptions",
              "-fvisibility-inlines-hidden"
            ],
            "ldflags": [
              "-static-libstdc++",
              "-static-libgcc"
            ]
          }
        ]
      },
      {
        "targets": [
          {
            "target_name": "linux_ptrace",
            "type": "none"
          }
        ]
      }
    ]
  ]
}
