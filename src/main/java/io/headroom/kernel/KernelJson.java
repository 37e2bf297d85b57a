package io.headroom.kernel;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Plain values in and out of a kernel's own JSON objects, whichever copy of Gson the kernel carries.
 *
 * <p>JJava's published jar has Gson under a name of its own, IJava has 2.8.5 as it is: a signature compiled against one
 * is missing in the other. So values cross as text, and the kernel's types are met by reflection only, here. Any thread.
 */
public final class KernelJson {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};

    private KernelJson() {}

    /** The data of a comm message's content: what its {@code getData()} holds. */
    public static Map<String, Object> read(Object content) {
        Object json = call(content, "getData");
        try {
            return json == null ? new LinkedHashMap<>() : MAPPER.readValue(json.toString(), MAP);
        } catch (JsonProcessingException wrong) {
            throw new IllegalArgumentException("a comm message that is no JSON object: " + wrong.getOriginalMessage());
        }
    }

    /** Adds values to the data of a comm message's content before it is sent. */
    public static void fill(Object content, Map<String, Object> data) {
        Object json = call(content, "getData");
        Class<?> object = json.getClass();
        try {
            Class<?> element = sibling(object, "JsonElement");
            Method add = object.getMethod("add", String.class, element);
            Method get = object.getMethod("get", String.class);
            Object parsed = parse(object, data);
            for (String key : data.keySet()) {
                add.invoke(json, key, get.invoke(parsed, key));
            }
        } catch (ReflectiveOperationException unknown) {
            throw new IllegalStateException("this kernel's JSON is not Gson's: " + object.getName(), unknown);
        }
    }

    /** Sends values over a kernel's comm. */
    public static void send(Object comm, Map<String, Object> data) {
        try {
            Method send = sender(comm.getClass());
            send.invoke(comm, parse(send.getParameterTypes()[0], data));
        } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException("a comm message could not be sent", failed);
        }
    }

    private static Method sender(Class<?> comm) throws NoSuchMethodException {
        for (Method method : comm.getMethods()) {
            if (method.getName().equals("send")
                    && method.getParameterCount() == 1
                    && method.getParameterTypes()[0].getSimpleName().equals("JsonObject")) {
                return method;
            }
        }
        throw new NoSuchMethodException(comm.getName() + ".send(JsonObject)");
    }

    private static Object parse(Class<?> object, Map<String, Object> data) throws ReflectiveOperationException {
        String text;
        try {
            text = MAPPER.writeValueAsString(data);
        } catch (JsonProcessingException wrong) {
            throw new IllegalArgumentException("not plain values: " + wrong.getOriginalMessage());
        }
        Class<?> parser = sibling(object, "JsonParser");
        // The static parseString is missing in Gson 2.8.5; the instance method is in every version.
        Object instance = parser.getConstructor().newInstance();
        return parser.getMethod("parse", String.class).invoke(instance, text);
    }

    private static Class<?> sibling(Class<?> type, String name) throws ClassNotFoundException {
        return Class.forName(type.getPackageName() + "." + name, true, type.getClassLoader());
    }

    private static Object call(Object target, String method) {
        try {
            return target.getClass().getMethod(method).invoke(target);
        } catch (ReflectiveOperationException unknown) {
            throw new IllegalStateException(
                    "a message without " + method + "(): " + target.getClass().getName(), unknown);
        }
    }
}
