{
  "conditions": [
    [
      "OS=='linux'",
      {
        "targets": [
          {
            "target_name": "linux_ptrace",
            "sources": [
              "native/addon.cc",
              "native/process_state.cc",
              "native/ptrace.cc",
              "native/wait.cc",
              "native/memory.cc",
              "native/sched.cc",
              "native/doorbell.cc",
              "native/tracees.cc",
              "native/spawn.cc",
              "native/stdio.cc",
              "native/script.cc",
              "native/runtime.cc"
            ],
            "include_dirs": [
              "<!(node -p \"require('node-addon-api').include_dir\")"
            ],
            "defines": [
              "NAPI_VERSION=8",
              "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS",
              "NODE_ADDON_API_DISABLE_DEPRECATED"
            ],
            # The headers of each Node line bring their own standard and optimisation.
            "cflags!": [
              "-O3"
            ],
            "cflags_cc!": [
              "-O3",
              "-std=gnu++17",
              "-std=gnu++20"
            ],
            "cflags": [
              "-O2",
              "-Wall",
              "-Wextra",
              "-fvisibility=hidden"
            ],
            "cflags_cc": [
              "-std=gnu++17",
              "-fno-exceptions",
              "-fvisibility-inlines-hidden"
            ],
            "ldflags": [
              "-static-libstdc++",
              "-static-libgcc",
              # Templates of the C++ library are visible whatever -fvisibility says; node must not bind them to its own.
              "-Wl,--version-script=<(module_root_dir)/native/exports.map",
              # A child that has not yet come to its exec runs code of this file; the last Worker's end must not unmap it.
              "-Wl,-z,nodelete",
              # A function that the machine lacks fails the load, where it is told, not the first call.
              "-Wl,-z,now"
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
