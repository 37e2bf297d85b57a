package io.headroom.diagnosis;

/** How a setting is written where the user works: a kernelspec or a shell. */
record Place(Situation.Kernel kernel) {
    String environment(String name, String value) {
        return switch (kernel) {
            case SHELL -> "export " + name + "=" + value;
            default ->
                "\"env\": {\"" + name + "\": \"" + value + "\"} in kernel.json, then restart the kernel"
                        + " (System.setProperty is too late and the wrong place)";
        };
    }

    String jvm(String option) {
        return switch (kernel) {
            case JJAVA -> "\"env\": {\"JJAVA_JVM_OPTS\": \"" + option + "\"} in kernel.json, then restart the kernel";
            case IJAVA -> "\"argv\": [\"java\", \"" + option + "\", …] in kernel.json, then restart the kernel";
            case SHELL -> "java " + option + " …";
        };
    }

    boolean isNotebook() {
        return kernel != Situation.Kernel.SHELL;
    }
}
