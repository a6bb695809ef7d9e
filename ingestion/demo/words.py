"""The words of which the demo's names are made, by country: ISO 3166 codes throughout.

Common names come first: `names.py` draws the earlier ones more often. `STEMS` and `ENDINGS` make the rarer surnames,
each stem with each ending.
"""

FIRST_NAMES = {
    "DE": "Anna Thomas Julia Michael Sabine Stefan Laura Andreas Katrin Christian Lena Markus Claudia Jan Sandra "
    "Tobias Nicole Florian Petra Daniel Susanne Matthias Sarah Alexander Monika Sebastian Lisa Jürgen Anja "
    "Philipp Heike Felix Birgit Jonas Martina Lukas Kerstin Frank Melanie Uwe Hannah Björn Ulrike Maximilian "
    "Silke Jörg Franziska Holger Johanna Dirk Anna-Lena Karl-Heinz Marie Paul Emine Mehmet Leonie Moritz Antje "
    "Hans-Peter Greta Torsten Elif Ralf",
    "FR": "Marie Nicolas Camille Julien Sophie Pierre Isabelle Thomas Nathalie Laurent Céline Antoine Émilie François "
    "Claire Guillaume Chloé Olivier Aurélie Mathieu Manon Sébastien Sandrine Hugo Hélène Jérôme Léa Frédéric "
    "Valérie Maxime Véronique Christophe Pauline Jean-Pierre Anne-Sophie Benoît Élodie Rémi Inès Stéphane "
    "Mathilde Karim Amélie Vincent Charlotte Yann Lucie Thierry Margaux Cédric Louise Bruno Nadia Alexandre "
    "Justine Gaëlle Étienne Fatima",
    "NL": "Anna Jan Maria Peter Sanne Daan Lotte Sander Femke Bas Marieke Jeroen Esther Wouter Eva Thijs Ingrid "
    "Maarten Fleur Pieter Anouk Ruben Nienke Niels Iris Bram Linda Koen Saskia Lars Roos Joost Marijke Tim "
    "Sophie Martijn Hanneke Stijn Mirjam Erik Jolanda Hendrik Willemijn Gijs Annelies Ahmed Mies Floris Tessa "
    "Rutger Maud Casper Liesbeth Hugo",
    "IT": "Giulia Marco Francesca Andrea Chiara Alessandro Sara Luca Elena Matteo Martina Davide Valentina Francesco "
    "Laura Lorenzo Anna Simone Paola Stefano Silvia Giovanni Federica Roberto Alessia Paolo Monica Antonio "
    "Ilaria Giuseppe Elisa Riccardo Cristina Fabio Roberta Michele Giorgia Daniele Claudia Nicolò Serena Massimo "
    "Beatrice Enrico Daniela Pietro Caterina Claudio Arianna Vincenzo Noemi Salvatore Camilla Emanuele Barbara "
    "Filippo",
    "ES": "María Antonio Carmen Javier Laura Manuel Ana David Lucía Daniel Marta Carlos Elena José Cristina Alejandro "
    "Paula Miguel Isabel Pablo Sara Francisco Raquel Sergio Pilar Jorge Nuria Álvaro Beatriz Fernando Alba Rubén "
    "Rocío Iván Silvia Diego Mónica Adrián Inés Óscar Teresa Raúl Patricia Andrés Irene Víctor Rosa Jesús Andrea "
    "Ángel Sofía Hugo Montserrat Jordi Begoña Iker",
    "GB": "Sarah James Emma David Laura Michael Charlotte John Rebecca Daniel Olivia Thomas Victoria Matthew Sophie "
    "Andrew Hannah Christopher Emily Robert Lucy Paul Jessica Mark Amy Oliver Helen Jack Rachel Simon Grace "
    "Harry Claire Stephen Alice George Nicola Ben Catherine Samuel Priya Mohammed Fiona Alexander Megan Stuart "
    "Zoe Gareth Bethany Rhys Aisha Callum Philippa Hamish Eleanor Edward Joanne Nigel",
    "US": "Jennifer Michael Jessica Christopher Ashley Matthew Emily Joshua Sarah David Amanda James Elizabeth Daniel "
    "Megan Robert Lauren John Stephanie Joseph Nicole Andrew Rachel Ryan Samantha Brandon Katherine William "
    "Brittany Kevin Maria Brian Danielle Eric Michelle Justin Rebecca Tyler Laura José Heather Jason Amber "
    "Jordan Melissa Carlos Priya Kyle Alexis Wei Grace Marcus Olivia Darnell Hannah Tanisha Susan Timothy",
    "PL": "Anna Piotr Katarzyna Krzysztof Agnieszka Tomasz Małgorzata Paweł Joanna Michał Magdalena Marcin Monika "
    "Jakub Ewa Łukasz Aleksandra Adam Natalia Grzegorz Karolina Mateusz Barbara Wojciech Marta Rafał Dorota "
    "Maciej Justyna Dariusz Paulina Kamil Beata Przemysław Iwona Robert Sylwia Bartosz Zuzanna Jacek Izabela "
    "Sławomir Renata Artur Weronika Szymon Kinga Zbigniew Olga Filip",
    "SE": "Anna Erik Maria Lars Emma Johan Karin Anders Sara Mikael Linnea Fredrik Elin Per Malin Magnus Ida Gustav "
    "Kristina Oskar Hanna Henrik Åsa Viktor Sofia Björn Lena Axel Johanna Mattias Ebba Nils Camilla Jonas Astrid "
    "Stefan Ulrika Daniel Frida Emil Therese Göran Maja Filip Annika Patrik Märta Karl-Johan Saga Ali",
}
LAST_NAMES = {
    "DE": "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Bauer Richter Klein Wolf "
    "Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Werner Krause Lehmann Köhler Maier "
    "Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn Vogel Friedrich "
    "Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Böhm Winter "
    "Kraus Schumacher Krämer Vogt Stein Jäger Otto Groß Sommer Seidel Haas Y\u0131lmaz Kaya Demir Nowak Kowalski "
    "Popović",
    "FR": "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
    "David Bertrand Roux Vincent Fournier Morel Girard André Mercier Dupont Lambert Bonnet François Martinez "
    "Legrand Garnier Faure Rousseau Blanc Guérin Muller Henry Roussel Nicolas Perrin Morin Mathieu Clément "
    "Gauthier Dumont Lopez Fontaine Chevalier Robin Masson Sanchez Gérard Nguyen Boyer Denis Lemaire Benali "
    "Diallo Lefèvre Brunet",
    "NL": "de Jong|Jansen|de Vries|van den Berg|van Dijk|Bakker|Janssen|Visser|Smit|Meijer|de Boer|Mulder|de Groot|Bos|"
    "Vos|Peters|Hendriks|van Leeuwen|Dekker|Brouwer|de Wit|Dijkstra|Smits|de Graaf|van der Meer|van der Linden|"
    "Kok|Jacobs|de Haan|Vermeulen|van den Heuvel|van der Veen|van den Broek|de Bruijn|van der Heijden|Schouten|"
    "van Beek|Willems|van Vliet|Hoekstra|Maas|Verhoeven|Koster|Prins|Blom|Huisman|Peeters|Kuipers|Postma|Y\u0131lmaz|"
    "El Amrani|Veenstra",
    "IT": "Rossi|Russo|Ferrari|Esposito|Bianchi|Romano|Colombo|Ricci|Marino|Greco|Bruno|Gallo|Conti|De Luca|Mancini|"
    "Costa|Giordano|Rizzo|Lombardi|Moretti|Barbieri|Fontana|Santoro|Mariani|Rinaldi|Caruso|Ferrara|Galli|Martini|"
    "Leone|Longo|Gentile|Martinelli|Vitale|Lombardo|Serra|Coppola|De Santis|D'Angelo|Marchetti|Parisi|Villa|"
    "Conte|Ferraro|Ferri|Fabbri|Bianco|Marini|Grasso|Valentini|Messina|Sala|De Angelis|Gatti|Pellegrini|Palumbo|"
    "Sanna|Farina",
    "ES": "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández Ruiz Díaz "
    "Moreno Muñoz Álvarez Romero Gutiérrez Alonso Navarro Torres Domínguez Ramos Vázquez Ramírez Gil Serrano "
    "Morales Molina Blanco Suárez Castro Ortega Delgado Ortiz Marín Rubio Núñez Medina Sanz Castillo Iglesias "
    "Cortés Garrido Santos Guerrero Lozano Cano Cruz Méndez Flores Prieto Herrera Peña León Márquez Cabrera "
    "Gallego Calvo Vidal",
    "GB": "Smith Jones Williams Taylor Brown Davies Evans Wilson Thomas Roberts Johnson Lewis Walker Robinson Wood "
    "Thompson White Watson Jackson Wright Green Harris Cooper King Lee Martin Clarke James Morgan Hughes Edwards "
    "Hill Moore Clark Harrison Scott Young Morris Hall Ward Turner Carter Phillips Mitchell Patel Adams Campbell "
    "Anderson Allen Cook Bailey Khan Singh Begum O'Brien MacDonald Fraser Murray Bell Murphy Shaw Ahmed",
    "US": "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
    "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis "
    "Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall "
    "Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins Reyes "
    "O'Connor Patel Kim Chen",
    "PL": "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
    "Kozłowski Mazur Jankowski Wojciechowski Kwiatkowski Krawczyk Kaczmarek Piotrowski Grabowski Zając Pawłowski "
    "Michalski Król Wieczorek Jabłoński Wróbel Nowakowski Majewski Olszewski Stępień Malinowski Jaworski "
    "Adamczyk Dudek Nowicki Pawlak Górski Witkowski Walczak Sikora Baran Rutkowski Michalak Szewczyk Ostrowski "
    "Tomaszewski Pietrzak Duda",
    "SE": "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson "
    "Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Olofsson Lindström Lindqvist Lindgren Axelsson "
    "Berg Bergström Lundberg Lind Lundgren Mattsson Berglund Fredriksson Sandberg Henriksson Forsberg Sjöberg Wallin "
    "Engström Danielsson Håkansson Eklund Lundin Gunnarsson Björk Holm Bergman Samuelsson Fransson Wikström Isaksson "
    "Ahmed",
}
STEMS = {
    "DE": "Ober Nieder Hinter Stein Linden Eichen Birken Grün Neu Alt Berg Wald Brunn Holz Rosen Dorn Eisen Silber "
    "Kalten Sonnen Haber Korn Reiche Schön Wiesen Hasel",
    "FR": "Beau Mont Char Dela Four Gir Mar Per Ros Val Ver Vil Cast Cour Lam Bar Bel Bour Chaz Des Gar Haut",
    "NL": "Groen Klein Olde Nieuwen Wester Ooster Zuider Molen Berken Linden Rozen Steen Hout Water Dijk Bosch",
    "IT": "Bell Cas Mar Ross Mont Bert Cav Fior Gir Lor Mart Pell Quart Sant Tom Vent Zan Bon Cant Ghir Rub",
    "ES": "Aguir Barr Carm Echev Iturr Laza Monte Olav Pala Quint Riva Sala Urru Villa Zaba Mend Goiko Arri",
    "GB": "Ash Black Brad Cran Dal El Green Hal Hart Hazel Lang Lin Mar Nor Pres Rad Stan Thorn Wal Whit Win Har",
    "US": "Ash Black Brad Cran Dal El Green Hal Hart Hazel Lang Lin Mar Nor Pres Rad Stan Thorn Wal Whit Win Har",
    "PL": "Bart Brzez Czar Dob Gal Jar Kal Kras Las Lip Mal Mil Ol Pol Rad Sad Sos Star Tarn Wil Zal Zar",
    "SE": "Al Björk Dahl Ek Eng Fors Gran Hag Hed Holm Kull Lind Lund Nor Ny Palm Ros Sand Sjö Söder Stål Sund Väster",
}
ENDINGS = {
    "DE": "meier huber bauer mann bach berger hofer müller brunner wald ecker thal reuter steiner kamp siedler",
    "FR": "ier eau elle ard ot and illon in al ignac ourt onnet",
    "NL": "berg dijk veld kamp huis man stra ink laar horst broek meer",
    "IT": "ini etti one elli ani ato eri aldi acci enti ucci oni",
    "ES": "re berri oz ano eda erri ez ales ona abal ero ete",
    "GB": "ton ford well ley wood field worth ham by son combe ridge shaw",
    "US": "ton ford well ley wood field worth ham by son combe ridge shaw",
    "PL": "owski czyk owicz iński czak ecki ewski icki oszek uk",
    "SE": "berg gren lund qvist ström man mark dal vall holm feldt stedt blad",
}
# Whose names people of these countries bear.
SHARED = {
    "AT": {"DE": 1.0},
    "CH": {"DE": 0.65, "FR": 0.25, "IT": 0.1},
    "BE": {"NL": 0.58, "FR": 0.42},
    "CA": {"US": 0.75, "FR": 0.25},
}
STREETS = {
    "DE": "Hauptstraße|Bahnhofstraße|Schulstraße|Gartenstraße|Industriestraße|Goethestraße|Bergstraße|Lindenallee|"
    "Mozartstraße|Ringstraße|Am Markt|Königstraße|Schillerplatz|Friedrichstraße|Mühlenweg|Hafenstraße|Rosenweg|"
    "Kirchplatz|Lange Straße|Siemensstraße|Waldweg|Robert-Bosch-Straße|Marktplatz|Blumenstraße",
    "FR": "rue de la République|avenue Victor Hugo|rue du Général de Gaulle|boulevard Voltaire|rue Pasteur|"
    "place de la Mairie|rue des Lilas|avenue Jean Jaurès|rue de l'Église|chemin du Moulin|rue Émile Zola|"
    "allée des Tilleuls|rue Saint-Martin|quai de la Gare|boulevard Gambetta|rue du Commerce|impasse des Roses|"
    "rue Nationale",
    "NL": "Kerkstraat Dorpsstraat Hoofdstraat Stationsweg Molenweg Julianastraat Industrieweg Schoolstraat Nieuwstraat "
    "Beatrixlaan Parallelweg Havenkade Keizersgracht Wilhelminaplein Lindenlaan Marktstraat Oranjelaan Energieweg",
    "IT": "via Roma|via Garibaldi|corso Italia|via Mazzini|piazza Dante|via Verdi|viale della Libertà|via Cavour|"
    "via Marconi|via dell'Industria|corso Vittorio Emanuele|via San Francesco|largo Augusto|via Matteotti|"
    "via Kennedy",
    "ES": "Calle Mayor|Avenida de la Constitución|Calle Real|Gran Vía|Calle del Sol|Plaza de España|Calle San Juan|"
    "Avenida de Andalucía|Calle de Alcalá|Paseo de la Castellana|Calle Nueva|Ronda de Levante|Camino Viejo|"
    "Calle Cervantes",
    "GB": "High Street|Station Road|Church Lane|Victoria Road|Green Lane|Manor Road|Park Avenue|Queen Street|Mill Lane|"
    "London Road|King's Road|Albert Street|The Crescent|Grange Road|Bridge Street|Springfield Road|York Road|"
    "West Street",
    "US": "Main Street|Oak Avenue|Maple Drive|Washington Boulevard|Park Avenue|Cedar Lane|Elm Street|Lake Road|"
    "Hill Drive|2nd Street|Broadway|Sunset Boulevard|Market Street|Jefferson Avenue|Pine Court|Commerce Parkway|"
    "Highland Avenue",
    "PL": "ul. Polna|ul. Leśna|ul. Słoneczna|ul. Krótka|ul. Szkolna|ul. Ogrodowa|ul. Lipowa|ul. Kościuszki|"
    "ul. Mickiewicza|al. Jerozolimskie|ul. Piłsudskiego|ul. Kwiatowa|ul. Długa|pl. Wolności|ul. Przemysłowa|"
    "ul. Zielona",
    "SE": "Storgatan Kungsgatan Drottninggatan Skolgatan Nygatan Järnvägsgatan Vasagatan Kyrkogatan Ringvägen "
    "Trädgårdsgatan Björkvägen Hamngatan Södergatan Industrigatan Parkvägen Strandvägen",
}
# City and the first digits of its postal codes; the larger come first.
CITIES = {
    "DE": "Berlin:10|Hamburg:20|München:80|Köln:50|Frankfurt am Main:60|Stuttgart:70|Düsseldorf:40|Leipzig:04|"
    "Dortmund:44|Bremen:28|Dresden:01|Hannover:30|Nürnberg:90|Bielefeld:33|Karlsruhe:76|Münster:48|Augsburg:86|"
    "Kiel:24|Freiburg:79|Erfurt:99|Ulm:89|Würzburg:97",
    "AT": "Wien:10 Graz:80 Linz:40 Salzburg:50 Innsbruck:60 Klagenfurt:90 Villach:95 Wels:46",
    "CH": "Zürich:80 Genève:12 Basel:40 Bern:30 Lausanne:10 Winterthur:84 Luzern:60 Lugano:69",
    "FR": "Paris:75 Lyon:69 Marseille:13 Toulouse:31 Nantes:44 Lille:59 Bordeaux:33 Strasbourg:67 Rennes:35 "
    "Grenoble:38 Montpellier:34 Nice:06 Dijon:21 Angers:49",
    "NL": "Amsterdam:10|Rotterdam:30|Utrecht:35|Eindhoven:56|Den Haag:25|Groningen:97|Tilburg:50|Breda:48|Nijmegen:65|"
    "Arnhem:68|Zwolle:80|Haarlem:20",
    "BE": "Brussel:10 Antwerpen:20 Gent:90 Liège:40 Leuven:30 Namur:50 Brugge:80 Hasselt:35 Mons:70",
    "IT": "Milano:201 Roma:001 Torino:101 Bologna:401 Napoli:801 Firenze:501 Verona:371 Padova:351 Genova:161 Bari:701",
    "ES": "Madrid:28 Barcelona:08 Valencia:46 Sevilla:41 Bilbao:48 Zaragoza:50 Málaga:29 Alicante:03 Vigo:36",
    "GB": "London:EC Manchester:M Birmingham:B Leeds:LS Bristol:BS Glasgow:G Edinburgh:EH Liverpool:L Cardiff:CF "
    "Sheffield:S Nottingham:NG Reading:RG",
    "US": "New York:100|Chicago:606|Austin:787|Boston:021|Denver:802|Seattle:981|Atlanta:303|San Francisco:941|"
    "Portland:972|Columbus:432|Raleigh:276|Phoenix:850",
    "PL": "Warszawa:0 Kraków:3 Wrocław:5 Poznań:6 Gdańsk:8 Łódź:9 Katowice:4 Lublin:2",
    "SE": "Stockholm:11 Göteborg:41 Malmö:21 Uppsala:75 Västerås:72 Örebro:70 Linköping:58 Helsingborg:25 Lund:22",
    "CA": "Toronto:M5|Montréal:H3|Vancouver:V6|Calgary:T2|Ottawa:K1|Québec:G1|Winnipeg:R3|Halifax:B3",
}
LEGAL_SUFFIXES = {
    "DE": {"GmbH": 0.66, "AG": 0.12, "GmbH & Co. KG": 0.16, "SE": 0.02, "e.K.": 0.04},
    "AT": {"GmbH": 0.82, "AG": 0.1, "KG": 0.08},
    "CH": {"AG": 0.62, "GmbH": 0.26, "SA": 0.12},
    "FR": {"SAS": 0.55, "SARL": 0.33, "SA": 0.12},
    "NL": {"B.V.": 0.88, "N.V.": 0.07, "V.O.F.": 0.05},
    "BE": {"BV": 0.5, "NV": 0.28, "SRL": 0.16, "SA": 0.06},
    "IT": {"S.r.l.": 0.7, "S.p.A.": 0.3},
    "ES": {"S.L.": 0.74, "S.A.": 0.2, "S.L.U.": 0.06},
    "GB": {"Ltd": 0.78, "PLC": 0.1, "LLP": 0.12},
    "US": {"Inc.": 0.55, "LLC": 0.35, "Corp.": 0.1},
    "PL": {"Sp. z o.o.": 0.76, "S.A.": 0.24},
    "SE": {"AB": 0.94, "HB": 0.06},
    "CA": {"Inc.": 0.62, "Ltd": 0.28, "Corp.": 0.1},
}
TRADES = {
    "DE": "Logistik Maschinenbau Software Elektrotechnik Consulting Handel Systeme Medizintechnik Verlag Energie Bau "
    "Immobilien Technik Marketing Automotive Pharma Versicherungen Spedition Druck Lebensmittel Werkzeuge Solar "
    "Akademie",
    "FR": "Conseil Logistique Industrie Énergie Santé Transports Distribution Technologies Immobilier Édition "
    "Numérique Assurances Systèmes Formation Environnement Électronique Services Médical",
    "NL": "Logistiek Techniek Software Advies Transport Vastgoed Energie Handel Zorg Installaties Media Agro "
    "Verzekeringen Bouw Opleidingen Systemen Maritiem",
    "IT": "Logistica Meccanica Consulting Energia Software Trasporti Servizi Impianti Immobiliare Sistemi Alimentari "
    "Elettronica Assicurazioni Moda Ceramiche",
    "ES": "Logística Consultores Energía Software Transportes Servicios Ingeniería Distribuciones Sistemas "
    "Alimentación Seguros Inmobiliaria Formación Electrónica",
    "GB": "Logistics Engineering Software Consulting Energy Media Systems Health Insurance Analytics Foods Partners "
    "Property Training Retail Labs Robotics Marine",
    "US": "Logistics Engineering Software Consulting Energy Media Systems Health Insurance Analytics Foods Partners "
    "Realty Labs Retail Robotics Security Networks Biotech",
    "PL": "Logistyka Technika Software Energia Transport Systemy Usługi Budownictwo Nieruchomości Elektronika "
    "Doradztwo Handel Spożywcza",
    "SE": "Logistik Teknik Konsult Energi Bygg Fastigheter Data System Transport Handel Industri Medicin Media Skog "
    "Verkstad",
}
# Invented brand words are made of one of each.
BRAND_STARTS = (
    "Al Ar Bel Bri Cal Cor Del Do El Fen Fi Gal Hel In Jo Kal Kor Lu Mar Mer Nor No Or Pel Quan Ri Sel Sol Ta "
    "Ter Ul Va Ver Vi Wen Xan Ze Zen Ny Syn"
)
BRAND_MIDDLES = "a e i o u ta vi no ri lo me da ne ro li va"
BRAND_ENDS = "ra lis nex tis mo dia via ris don vo ta lux net zen pex rion las dex nia quo ma xis ven gen la"
