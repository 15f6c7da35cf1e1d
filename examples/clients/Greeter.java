// Calls, subscribes and registers at a desktop, in Java with nothing but the JDK (17 or later): WAMP in JSON over
// RawSocket is small enough.
//
// usage: java Greeter.java SOCKET                         on the desktop itself; $XDG_RUNTIME_DIR/deskconn/deskconn.sock
//        java Greeter.java HOST:PORT PIN DEVICE KEYFILE   from elsewhere, as `deskconnctl join` has paired it

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.security.spec.NamedParameterSpec;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

public class Greeter {
    private static final int HELLO = 1, WELCOME = 2, CHALLENGE = 4, AUTHENTICATE = 5;
    private static final int SUBSCRIBE = 32, SUBSCRIBED = 33, EVENT = 36, CALL = 48, RESULT = 50;
    private static final int REGISTER = 64, REGISTERED = 65, INVOCATION = 68, YIELD = 70;

    private final DataInputStream in;
    private final OutputStream out;

    private Greeter(DataInputStream in, OutputStream out) throws IOException {
        this.in = in;
        this.out = out;
        // 7F: RawSocket; F: messages of up to 16 MiB; 1: JSON. The desktop answers in the same form.
        out.write(new byte[] {0x7f, (byte) 0xf1, 0, 0});
        if ((in.readInt() >>> 16 & 0xff0f) != 0x7f01) throw new IOException("the desktop takes no JSON here");
    }

    /** A message: its kind (0), its length in three bytes, its text. */
    private void send(Object... message) throws IOException {
        byte[] text = Json.write(List.of(message)).getBytes(StandardCharsets.UTF_8);
        byte[] frame = new byte[4 + text.length];
        for (int i = 1; i < 4; i++) frame[i] = (byte) (text.length >>> 8 * (3 - i));
        System.arraycopy(text, 0, frame, 4, text.length);
        out.write(frame);
        out.flush();
    }

    private List<?> next() throws IOException {
        while (true) {
            int header = in.readInt();
            byte[] text = in.readNBytes(header & 0xffffff);
            if (header >>> 24 == 0) return (List<?>) new Json(new String(text, StandardCharsets.UTF_8)).value();
        }
    }

    private static int kind(List<?> message) {
        return ((Number) message.get(0)).intValue();
    }

    private void run(String device, KeyPair key) throws Exception {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("roles", Map.of("caller", Map.of(), "callee", Map.of(), "subscriber", Map.of()));
        if (key != null) {
            byte[] encoded = key.getPublic().getEncoded();
            String pubkey = HexFormat.of().formatHex(encoded, encoded.length - 32, encoded.length);
            details.putAll(Map.of("authid", device, "authmethods", List.of("cryptosign")));
            details.put("authextra", Map.of("pubkey", pubkey));
        }
        send(HELLO, "deskconn", details);
        List<?> answer = next();
        if (kind(answer) == CHALLENGE) {
            String challenge = (String) ((Map<?, ?>) answer.get(2)).get("challenge");
            Signature signature = Signature.getInstance("Ed25519");
            signature.initSign(key.getPrivate());
            signature.update(HexFormat.of().parseHex(challenge));
            send(AUTHENTICATE, HexFormat.of().formatHex(signature.sign()) + challenge, Map.of());
            answer = next();
        }
        if (kind(answer) != WELCOME) throw new IOException("not let in: " + answer);
        send(CALL, 1, Map.of(), "org.deskconn.info.get");
        send(SUBSCRIBE, 2, Map.of(), "org.deskconn.app.news");
        send(REGISTER, 3, Map.of(), "org.deskconn.app.greet");
        int answers = 0;
        while (true) {
            List<?> message = next();
            switch (kind(message)) {
                case RESULT -> {
                    Map<?, ?> info = (Map<?, ?>) ((List<?>) message.get(3)).get(0);
                    System.out.println("joined " + info.get("name") + " as " + info.get("role"));
                    answers += 1;
                }
                case SUBSCRIBED, REGISTERED -> answers += 1;
                case EVENT -> System.out.println("news: " + ((List<?>) message.get(4)).get(0));
                case INVOCATION -> {
                    Object name = ((List<?>) message.get(4)).get(0);
                    send(YIELD, message.get(1), Map.of(), List.of("Hello, " + name + "!"));
                }
                default -> throw new IOException("the desktop says " + message);
            }
            if (answers == 3) {
                System.out.println("ready");
                answers = 0;
            }
        }
    }

    /** Trusts the one desktop whose key is pinned; names and dates of its certificate mean nothing. */
    private record Pinned(String pin) implements X509TrustManager {
        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
            try {
                byte[] hash = MessageDigest.getInstance("SHA-256").digest(chain[0].getPublicKey().getEncoded());
                if (!HexFormat.of().formatHex(hash).equals(pin)) throw new CertificateException("another desktop answers here");
            } catch (GeneralSecurityException error) {
                throw new CertificateException(error);
            }
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
            throw new CertificateException("this is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }

    /** JSON: objects as maps, arrays as lists; numbers stay as exact as ids of WAMP need them. */
    private static final class Json {
        private final String text;
        private int at = 0;

        private Json(String text) {
            this.text = text;
        }

        private char peek() {
            while (Character.isWhitespace(text.charAt(at))) at += 1;
            return text.charAt(at);
        }

        private boolean take(char expected) {
            boolean isThere = peek() == expected;
            if (isThere) at += 1;
            return isThere;
        }

        private Object value() {
            return switch (peek()) {
                case '{' -> object();
                case '[' -> array();
                case '"' -> string();
                default -> word();
            };
        }

        private Map<String, Object> object() {
            Map<String, Object> object = new LinkedHashMap<>();
            at += 1;
            while (!take('}')) {
                peek();
                String key = string();
                take(':');
                object.put(key, value());
                take(',');
            }
            return object;
        }

        private List<Object> array() {
            List<Object> array = new ArrayList<>();
            at += 1;
            while (!take(']')) {
                array.add(value());
                take(',');
            }
            return array;
        }

        private String string() {
            StringBuilder string = new StringBuilder();
            for (at += 1; text.charAt(at) != '"'; at += 1) {
                if (text.charAt(at) != '\\') {
                    string.append(text.charAt(at));
                    continue;
                }
                char escape = text.charAt(++at);
                if (escape == 'u') string.append((char) Integer.parseInt(text.substring(at + 1, (at += 4) + 1), 16));
                else string.append("bfnrt".indexOf(escape) < 0 ? escape : "\b\f\n\r\t".charAt("bfnrt".indexOf(escape)));
            }
            at += 1;
            return string.toString();
        }

        private Object word() {
            int start = at;
            while (at < text.length() && ",]} \n".indexOf(text.charAt(at)) < 0) at += 1;
            String word = text.substring(start, at);
            return switch (word) {
                case "true" -> true;
                case "false" -> false;
                case "null" -> null;
                default -> word.matches("-?[0-9]+") ? (Object) Long.valueOf(word) : Double.valueOf(word);
            };
        }

        private static String write(Object value) {
            if (value instanceof List<?> list) {
                return list.stream().map(Json::write).collect(Collectors.joining(",", "[", "]"));
            }
            if (value instanceof Map<?, ?> map) {
                return map.entrySet().stream()
                    .map(entry -> write(entry.getKey()) + ":" + write(entry.getValue()))
                    .collect(Collectors.joining(",", "{", "}"));
            }
            if (!(value instanceof String string)) return String.valueOf(value);
            StringBuilder quoted = new StringBuilder("\"");
            for (char c : string.toCharArray()) {
                if (c < ' ' || c == '"' || c == '\\') quoted.append(String.format("\\u%04x", (int) c));
                else quoted.append(c);
            }
            return quoted.append('"').toString();
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1) {
            SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
            socket.connect(UnixDomainSocketAddress.of(arguments[0]));
            var in = new DataInputStream(Channels.newInputStream(socket));
            new Greeter(in, Channels.newOutputStream(socket)).run(null, null);
        }
        TrustManager[] trust = {new Pinned(arguments[1])};
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(null, trust, null);
        int colon = arguments[0].lastIndexOf(':');
        String host = arguments[0].substring(0, colon);
        int port = Integer.parseInt(arguments[0].substring(colon + 1));
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port);
        socket.startHandshake();
        var in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
        new Greeter(in, socket.getOutputStream()).run(arguments[2], key(Path.of(arguments[3])));
    }

    /** The key to sign with: its seed is 32 bytes in hexadecimal digits behind the word "sign". */
    private static KeyPair key(Path file) throws IOException, GeneralSecurityException {
        String line = Files.readAllLines(file).stream().filter(it -> it.startsWith("sign ")).findFirst().orElseThrow();
        byte[] seed = HexFormat.of().parseHex(line.substring(5).strip());
        KeyPairGenerator generator = KeyPairGenerator.getInstance("Ed25519");
        // The JDK computes a public key only where it makes the private one, from 32 bytes that it calls random.
        generator.initialize(NamedParameterSpec.ED25519, new SecureRandom() {
            @Override
            public void nextBytes(byte[] bytes) {
                System.arraycopy(seed, 0, bytes, 0, bytes.length);
            }
        });
        return generator.generateKeyPair();
    }
}
